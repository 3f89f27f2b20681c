// The routes of tests.kit.peers in Node: node server.mjs FOLDER PORT [CHAIN KEY]
import { createHash } from "node:crypto";
import { createReadStream, readFileSync, statSync } from "node:fs";
import http from "node:http";
import https from "node:https";

const [folder, port, chain, key] = process.argv.slice(2);
const lines = readFileSync(`${folder}/www/chunked.txt`);

function answer(request, response) {
  if (request.url === "/") return response.end("hello");
  if (request.url === "/chunked") {
    for (let at = 0; at < lines.length; at += 10000) response.write(lines.subarray(at, at + 10000));
    return response.end();
  }
  if (request.url === "/big") {
    response.setHeader("Content-Length", statSync(`${folder}/www/big`).size);
    return createReadStream(`${folder}/www/big`).pipe(response);
  }
  if (request.url === "/digest") {
    const digest = createHash("sha256");
    request.on("data", (piece) => digest.update(piece));
    return request.on("end", () => response.end(digest.digest("hex")));
  }
  response.statusCode = request.url === "/refuse" ? 413 : 404;
  return response.end();
}

const server = chain
  ? https.createServer({ cert: readFileSync(chain), key: readFileSync(key), minVersion: "TLSv1.3" }, answer)
  : http.createServer(answer);
server.requestTimeout = 0;
server.listen(Number(port), "127.0.0.1");
