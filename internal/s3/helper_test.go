package s3

import (
	"hash"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hearthfaas/hearth/internal/s3/checksum"
)

func checksumNamed(a types.ChecksumAlgorithm) (checksum.Algorithm, bool) {
	return checksum.Parse(string(a))
}

func encode(h hash.Hash) string { return checksum.Encode(h) }

func hashOf(a checksum.Algorithm, text []byte) hash.Hash {
	h := a.New()
	h.Write(text)
	return h
}

// send sends a request, signed unless it asks as a browser does before another.
func (b *bench) send(t *testing.T, method, target, body string, header map[string]string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.server.URL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	if method != http.MethodOptions && header["Content-Type"] == "" {
		sign(t, r)
	}
	client := *b.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

func (b *bench) header(t *testing.T, method, target string, header map[string]string) http.Header {
	t.Helper()
	resp, _ := b.send(t, method, target, "", header)
	return resp.Header
}
