package sqs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// BenchmarkSend measures what a SendMessage costs from its signature to its answer,
// without a network; 64 at a time share their syncs.
func BenchmarkSend(b *testing.B) {
	f := newFixture(b)
	url := f.make("q")
	body := fmt.Appendf(nil, `{"QueueUrl":%q,"MessageBody":%q}`, *url, strings.Repeat("m", 1024))
	sum := sha256.Sum256(body)
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, f.server.URL+"/", bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
	keys := aws.Credentials{AccessKeyID: "test", SecretAccessKey: "secret"}
	if err := v4.NewSigner().SignHTTP(b.Context(), keys, req, hex.EncodeToString(sum[:]), "sqs", region, time.Now()); err != nil {
		b.Fatal(err)
	}
	edge := f.server.Config.Handler
	b.ReportAllocs()
	b.SetParallelism(32) // of two processors: 64
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r := req.Clone(b.Context())
			r.Body, r.RemoteAddr, r.Host = readCloser{bytes.NewReader(body)}, "127.0.0.1:1", req.URL.Host
			w := httptest.NewRecorder()
			if edge.ServeHTTP(w, r); w.Code != http.StatusOK {
				b.Error(w.Body.String())
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }
