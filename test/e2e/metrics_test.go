package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hearthfaas/hearth/internal/awshttp"
	"github.com/hearthfaas/hearth/internal/harness"
)

// TestRootAFunctionDoesNotReadTheNodesMetrics: whoever reaches the port may scrape, but
// what a node does as a whole is not its functions' affair.
func TestRootAFunctionDoesNotReadTheNodesMetrics(t *testing.T) {
	needRoot(t)
	h := start(t, harness.Options{DataDir: dataDir(t)})
	t.Cleanup(func() {
		if err := h.Stop(); err != nil {
			t.Error(err)
		}
	})
	h.function(t, "f", `exports.handler = async () => {
  const at = process.env.AWS_ENDPOINT_URL;
  return [(await fetch(at + "/_hearth/health")).status, (await fetch(at + "/_hearth/metrics")).status];
}`)
	if got := h.answers(t, "f", "{}"); got != "[200,404]" {
		t.Errorf("the function got %s", got)
	}
	if text := h.scrape(t); !strings.Contains(text, "hearth_lambda_invocations_total 1\n") {
		t.Errorf("got %s", text)
	}
}

// scrape reads what the node tells Prometheus.
func (h *hearth) scrape(t *testing.T) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.Endpoint+"/_hearth/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := awshttp.New().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
