// The steps by java.net.http.HttpClient: Client URL ROOT.
import java.io.ByteArrayInputStream;
import java.io.FileInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class Client {
    static HttpClient client;
    static String url;

    static HttpResponse<byte[]> ask(String path, HttpRequest.Builder request) throws Exception {
        return client.send(request.uri(URI.create(url + path)).build(), BodyHandlers.ofByteArray());
    }

    static SSLContext trusting(String pem) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (FileInputStream file = new FileInputStream(pem)) {
            store.setCertificateEntry("root", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    public static void main(String[] words) throws Exception {
        url = words[0];
        client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
            .sslContext(trusting(words[1])).build();
        for (int i = 0; i < 2; i++) {
            System.out.println("hello " + ask("/", HttpRequest.newBuilder()).body().length);
        }
        var head = ask("/", HttpRequest.newBuilder().method("HEAD", BodyPublishers.noBody()));
        System.out.println("head " + head.headers().firstValue("content-length").orElse("none"));
        System.out.println("stream " + ask("/stream", HttpRequest.newBuilder()).body().length);
        byte[] data = new byte[300000];
        var unknown = BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(data));
        System.out.println("upload " + new String(ask("/upload", HttpRequest.newBuilder().POST(unknown)).body()));
        var expecting = HttpRequest.newBuilder().expectContinue(true).POST(BodyPublishers.ofByteArray(data));
        System.out.println("continue " + new String(ask("/continue", expecting).body()));
        var range = HttpRequest.newBuilder().header("Range", "bytes=65-69");
        System.out.println("range " + new String(ask("/file", range).body()));
        System.exit(0);
    }
}
