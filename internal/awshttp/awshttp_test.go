package awshttp

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// closedBody ends as the SDK's bodies do once they are closed.
type closedBody struct{ io.Reader }

func (closedBody) WriteTo(io.Writer) (int64, error) { return 0, errors.New("copied after its close") }
func (closedBody) Close() error                     { return nil }

func TestABodyIsReadAndNeverAskedToCopyItself(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, closedBody{strings.NewReader("hello")})
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = 5
	res, err := New().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if got, err := io.ReadAll(res.Body); string(got) != "hello" || err != nil {
		t.Errorf("the server read %q (%v), want hello", got, err)
	}
}
