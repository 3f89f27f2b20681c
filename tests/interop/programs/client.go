// The steps by Go's net/http: client URL ROOT.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	url, pem := os.Args[1], os.Args[2]
	roots := x509.NewCertPool()
	text, err := os.ReadFile(pem)
	if err != nil || !roots.AppendCertsFromPEM(text) {
		log.Fatal("no root: ", err)
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:       &tls.Config{RootCAs: roots},
		ExpectContinueTimeout: 20 * time.Second,
	}}
	ask := func(method, path string, body io.Reader, name, value string) (*http.Response, []byte) {
		request, err := http.NewRequest(method, url+path, body)
		if err != nil {
			log.Fatal(err)
		}
		if name != "" {
			request.Header.Set(name, value)
		}
		response, err := client.Do(request)
		if err != nil {
			log.Fatal(err)
		}
		defer response.Body.Close()
		content, err := io.ReadAll(response.Body)
		if err != nil {
			log.Fatal(err)
		}
		return response, content
	}
	for i := 0; i < 2; i++ {
		_, content := ask("GET", "/", nil, "", "")
		fmt.Println("hello", len(content))
	}
	response, _ := ask("HEAD", "/", nil, "", "")
	fmt.Println("head", response.Header.Get("Content-Length"))
	_, content := ask("GET", "/stream", nil, "", "")
	fmt.Println("stream", len(content))
	data := make([]byte, 300000)
	// A reader that does not tell its length: chunked.
	_, content = ask("POST", "/upload", io.MultiReader(bytes.NewReader(data)), "", "")
	fmt.Println("upload", string(content))
	_, content = ask("POST", "/continue", bytes.NewReader(data), "Expect", "100-continue")
	fmt.Println("continue", string(content))
	_, content = ask("GET", "/file", nil, "Range", "bytes=65-69")
	fmt.Println("range", string(content))
}
