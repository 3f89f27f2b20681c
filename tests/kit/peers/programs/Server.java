// The routes of tests.kit.peers with com.sun.net.httpserver: java Server.java FOLDER PORT [KEYSTORE PASSWORD]

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

public class Server {
    static Path www;

    public static void main(String[] arguments) throws Exception {
        www = Path.of(arguments[0], "www");
        InetSocketAddress address = new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[1]));
        HttpServer server;
        if (arguments.length > 2) {
            HttpsServer secure = HttpsServer.create(address, 0);
            secure.setHttpsConfigurator(new HttpsConfigurator(context(arguments[2], arguments[3].toCharArray())));
            server = secure;
        } else {
            server = HttpServer.create(address, 0);
        }
        server.createContext("/", Server::answer);
        server.setExecutor(Executors.newCachedThreadPool());
        server.start();
    }

    static SSLContext context(String store, char[] password) throws Exception {
        KeyStore keys = KeyStore.getInstance(Path.of(store).toFile(), password);
        KeyManagerFactory managers = KeyManagerFactory.getInstance("SunX509");
        managers.init(keys, password);
        SSLContext context = SSLContext.getInstance("TLSv1.3");
        context.init(managers.getKeyManagers(), null, null);
        return context;
    }

    static void answer(HttpExchange exchange) throws IOException {
        switch (exchange.getRequestURI().getPath()) {
            case "/" -> send(exchange, 200, "hello".getBytes());
            case "/chunked" -> {
                exchange.sendResponseHeaders(200, 0); // 0: in chunks
                try (OutputStream out = exchange.getResponseBody()) {
                    Files.copy(www.resolve("chunked.txt"), out);
                }
            }
            case "/big" -> {
                Path big = www.resolve("big");
                exchange.sendResponseHeaders(200, Files.size(big));
                try (OutputStream out = exchange.getResponseBody()) {
                    Files.copy(big, out);
                }
            }
            case "/digest" -> send(exchange, 200, digest(exchange.getRequestBody()).getBytes());
            case "/refuse" -> {
                exchange.sendResponseHeaders(413, -1);
                exchange.close();
            }
            default -> send(exchange, 404, new byte[0]);
        }
    }

    static void send(HttpExchange exchange, int status, byte[] content) throws IOException {
        exchange.sendResponseHeaders(status, content.length == 0 ? -1 : content.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(content);
        }
    }

    static String digest(InputStream in) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] piece = new byte[65536];
            for (int size = in.read(piece); size >= 0; size = in.read(piece)) {
                digest.update(piece, 0, size);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (java.security.NoSuchAlgorithmException missing) {
            throw new IOException(missing);
        }
    }
}
