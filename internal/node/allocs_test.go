//go:build !race

// Under the race detector pools forget at random, and the count means nothing.

package node_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/hearthfaas/hearth/internal/awshttp"
	"github.com/hearthfaas/hearth/internal/harness"
	"github.com/hearthfaas/hearth/internal/node"
)

// warmAllocsMax is what a signed, authorised, warm invoke may allocate in the whole
// process, net/http's server and the log's way to the disk included. docs/performance.md
// says what they are; who needs more says there what for.
const warmAllocsMax = 62

// TestAWarmInvokeAllocatesLittle counts, through the port of a whole node and with a
// real runtime outside any sandbox, what a warm invoke allocates. The client sends
// ready bytes and allocates nothing itself.
func TestAWarmInvokeAllocatesLittle(t *testing.T) {
	cfg := startNode(t)
	function := harness.Function{
		Name: "f", Runtime: "python3.13", Handler: "app.handler",
		Files: map[string]string{"app.py": "def handler(event, context):\n    return event\n"},
	}
	if err := harness.Create(t.Context(), cfg, function); err != nil {
		if strings.Contains(err.Error(), "hearth runtimes install") {
			t.Skip("this host lacks " + function.Runtime)
		}
		t.Fatal(err)
	}
	invoke := rawInvoke(t, cfg, "f", `{"n": 1}`)
	for range 200 { // the environment, the pools and the caches are there afterwards
		invoke()
	}
	got := testing.AllocsPerRun(2000, invoke)
	t.Logf("%.0f allocations for each invoke", got)
	if got > warmAllocsMax {
		t.Errorf("a warm invoke makes %.0f allocations, want %d at most", got, warmAllocsMax)
	}
}

// startNode runs a node in this process until the test ends.
func startNode(t *testing.T) aws.Config {
	t.Helper()
	cfg := node.Default()
	cfg.Listen, cfg.DataDir, cfg.Isolation = "127.0.0.1:0", filepath.Join(t.TempDir(), "data"), "process"
	cfg.Path, cfg.Home = os.Getenv("PATH"), os.Getenv("HOME")
	n, err := node.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-n.Ready():
	case err := <-done:
		done <- err
		t.Fatal(err)
	}
	return aws.Config{
		Region: cfg.Region, BaseEndpoint: aws.String("http://" + n.Addr()), HTTPClient: awshttp.New(),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// rawInvoke returns a function that sends the same signed request over one connection
// and reads its answer.
func rawInvoke(t *testing.T, cfg aws.Config, function, event string) func() {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		*cfg.BaseEndpoint+"/2015-03-31/functions/"+function+"/invocations", strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(event))
	if err := v4.NewSigner().SignHTTP(t.Context(), keys, req, hex.EncodeToString(sum[:]), "lambda", cfg.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	var request bytes.Buffer
	if err := req.Write(&request); err != nil {
		t.Fatal(err)
	}
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", req.URL.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	answer, body := bufio.NewReader(conn), make([]byte, len(event))
	return func() {
		if _, err := conn.Write(request.Bytes()); err != nil {
			t.Fatal(err)
		}
		for first := true; ; first = false {
			line, err := answer.ReadSlice('\n')
			if err != nil || first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
				t.Fatalf("%s%v", line, err)
			}
			if len(bytes.TrimSpace(line)) == 0 {
				break
			}
		}
		if _, err := io.ReadFull(answer, body); err != nil || string(body) != event {
			t.Fatalf("%s, %v", body, err)
		}
	}
}
