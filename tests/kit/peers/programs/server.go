// The routes of tests.kit.peers in Go: server FOLDER PORT [CHAIN KEY]
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	folder, port := os.Args[1], os.Args[2]
	lines, err := os.ReadFile(folder + "/www/chunked.txt")
	if err != nil {
		log.Fatal(err)
	}
	routes := http.NewServeMux()
	routes.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	routes.HandleFunc("/chunked", func(w http.ResponseWriter, r *http.Request) {
		for at := 0; at < len(lines); at += 10000 {
			end := at + 10000
			if end > len(lines) {
				end = len(lines)
			}
			w.Write(lines[at:end])
			w.(http.Flusher).Flush()
		}
	})
	routes.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, folder+"/www/big")
	})
	routes.HandleFunc("/digest", func(w http.ResponseWriter, r *http.Request) {
		digest := sha256.New()
		io.Copy(digest, r.Body)
		io.WriteString(w, hex.EncodeToString(digest.Sum(nil)))
	})
	routes.HandleFunc("/refuse", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(413) })
	server := &http.Server{Addr: "127.0.0.1:" + port, Handler: routes}
	if len(os.Args) > 3 {
		log.Fatal(server.ListenAndServeTLS(os.Args[3], os.Args[4]))
	}
	log.Fatal(server.ListenAndServe())
}
