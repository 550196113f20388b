// gorilla/websocket behind net/http: one goroutine for each connection, one processor, buffers
// that are kept and shared.
package main

import (
	"bytes"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

var (
	certificate, key   string
	deflate, broadcast bool

	upgrader = websocket.Upgrader{
		ReadBufferSize:  16 << 10,
		WriteBufferSize: 16 << 10,
		WriteBufferPool: &sync.Pool{},
		CheckOrigin:     func(*http.Request) bool { return true },
	}
	everyone = map[*websocket.Conn]struct{}{}
	lock     sync.Mutex
)

func serve(response http.ResponseWriter, request *http.Request) {
	connection, err := upgrader.Upgrade(response, request, nil)
	if err != nil {
		return
	}
	defer connection.Close()
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
	var message bytes.Buffer
	for {
		kind, reader, err := connection.NextReader()
		if err != nil {
			return
		}
		message.Reset()
		if _, err := message.ReadFrom(reader); err != nil {
			return
		}
		// The package leaves this check to its user. RFC 6455 section 8.1.
		if kind == websocket.TextMessage && !utf8.Valid(message.Bytes()) {
			return
		}
		if broadcast {
			publish(kind, message.Bytes())
		} else if connection.WriteMessage(kind, message.Bytes()) != nil {
			return
		}
	}
}

func publish(kind int, bytes []byte) {
	prepared, err := websocket.NewPreparedMessage(kind, bytes)
	if err != nil {
		return
	}
	lock.Lock()
	defer lock.Unlock()
	for connection := range everyone {
		connection.WritePreparedMessage(prepared)
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
		case "--broadcast":
			broadcast = true
		}
	}
	runtime.GOMAXPROCS(1)
	upgrader.EnableCompression = deflate
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
