// A node of the 2020 Go SDK for the interop tests: answers, echoes, and calls a service of ours.
// Arguments: the address to join through, its own address.
package main

import (
	"io"
	"io/ioutil"
	"log"
	"os"
	"strings"

	"github.com/lithdew/flatend"
)

func main() {
	node := &flatend.Node{PublicAddr: os.Args[2], SecretKey: flatend.GenerateSecretKey()}
	node.Services = map[string]flatend.Handler{
		"hello": func(ctx *flatend.Context) {
			ctx.WriteHeader("x-sdk", "go")
			ctx.Write([]byte("Hello from Go!"))
		},
		"echo": func(ctx *flatend.Context) {
			io.Copy(ctx, ctx.Body)
		},
		"ask": func(ctx *flatend.Context) {
			body := ioutil.NopCloser(strings.NewReader("asked by Go"))
			stream, err := node.Push([]string{"ours"}, nil, body)
			if err != nil {
				ctx.Write([]byte("error: " + err.Error()))
				return
			}
			io.Copy(ctx, stream.Reader)
		},
	}
	if err := node.Start(os.Args[1]); err != nil {
		log.Fatal(err)
	}
	log.Print("started")
	select {}
}
