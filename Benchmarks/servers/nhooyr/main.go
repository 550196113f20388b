// nhooyr.io/websocket behind net/http: one goroutine for each connection, one processor.
package main

import (
	"bytes"
	"context"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"unicode/utf8"

	"nhooyr.io/websocket"
)

var (
	certificate, key              string
	deflate, dedicated, broadcast bool

	everyone = map[*websocket.Conn]struct{}{}
	lock     sync.Mutex
)

func serve(response http.ResponseWriter, request *http.Request) {
	options := websocket.AcceptOptions{
		InsecureSkipVerify: true,
		CompressionMode:    websocket.CompressionDisabled,
	}
	if deflate {
		options.CompressionMode = websocket.CompressionNoContextTakeover
	}
	if dedicated {
		options.CompressionMode = websocket.CompressionContextTakeover
	}
	connection, err := websocket.Accept(response, request, &options)
	if err != nil {
		return
	}
	defer connection.Close(websocket.StatusInternalError, "")
	connection.SetReadLimit(64 << 20)
	if broadcast {
		lock.Lock()
		everyone[connection] = struct{}{}
		lock.Unlock()
		defer func() {
			lock.Lock()
			delete(everyone, connection)
			lock.Unlock()
		}()
	}
	ctx := context.Background()
	var message bytes.Buffer
	for {
		kind, reader, err := connection.Reader(ctx)
		if err != nil {
			return
		}
		message.Reset()
		if _, err := message.ReadFrom(reader); err != nil {
			return
		}
		// The package leaves this check to its user. RFC 6455 section 8.1.
		if kind == websocket.MessageText && !utf8.Valid(message.Bytes()) {
			return
		}
		if broadcast {
			lock.Lock()
			for other := range everyone {
				other.Write(ctx, kind, message.Bytes())
			}
			lock.Unlock()
		} else if connection.Write(ctx, kind, message.Bytes()) != nil {
			return
		}
	}
}

func main() {
	port := os.Args[1]
	// `--tls CERTIFICATE KEY`, as the other servers take it.
	for i := 2; i < len(os.Args); i++ {
		switch os.Args[i] {
		case "--tls":
			certificate, key = os.Args[i+1], os.Args[i+2]
			i += 2
		case "--deflate":
			deflate = true
		case "--dedicated":
			dedicated = true
		case "--broadcast":
			broadcast = true
		}
	}
	runtime.GOMAXPROCS(1)
	http.HandleFunc("/", serve)
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	if certificate != "" {
		log.Fatal(http.ServeTLS(listener, nil, certificate, key))
	}
	log.Fatal(http.Serve(listener, nil))
}
