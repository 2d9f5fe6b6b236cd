package code

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func TestLinksWorkUntilTheyExpire(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p, _ := openPackages(t, func() time.Time { return now })
	data := zipOf(t, entryOf{name: "index.js", body: "x"})
	pkg, err := p.Put(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	other := mustPut(t, p, entryOf{name: "other"})
	links := NewLinks(p, []byte("key"))
	link := links.URL("http://127.0.0.1:4566/", pkg.Digest, now)
	gone := links.URL("http://127.0.0.1:4566", lambda.CodeDigest(strings.Repeat("0", 64)), now)
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	if want := "/_hearth/code/" + string(pkg.Digest); u.Path != want || u.Host != "127.0.0.1:4566" {
		t.Fatalf("the link is %s, want path %s", link, want)
	}
	later := now.Add(time.Hour).Unix()
	for _, tc := range []struct {
		name, method, link string
		after              time.Duration
		want               int
	}{
		{"at once", "GET", link, 0, 200},
		{"within ten minutes", "GET", link, LinkAge, 200},
		{"HEAD", "HEAD", link, 0, 200},
		{"too late", "GET", link, LinkAge + time.Second, 403},
		{"for another package", "GET", strings.ReplaceAll(link, string(pkg.Digest), string(other)), 0, 403},
		{"with a longer life", "GET", strings.ReplaceAll(link, u.Query().Get("expires"), time.Unix(later, 0).Format("20060102")), 0, 403},
		{"without a signature", "GET", strings.Split(link, "&")[0], 0, 403},
		{"for a package that is gone", "GET", gone, 0, 404},
		{"to write", "PUT", link, 0, 405},
	} {
		t.Run(tc.name, func(t *testing.T) {
			start := now
			now = now.Add(tc.after)
			defer func() { now = start }()
			w := httptest.NewRecorder()
			links.ServeHTTP(w, httptest.NewRequest(tc.method, tc.link, nil))
			if w.Code != tc.want {
				t.Errorf("status %d, want %d: %s", w.Code, tc.want, w.Body)
			}
			if w.Code == http.StatusOK && tc.method == "GET" && !bytes.Equal(w.Body.Bytes(), data) {
				t.Errorf("the body has %d bytes, want the package's %d", w.Body.Len(), len(data))
			}
		})
	}
	first, second := NewLinks(p, nil), NewLinks(p, nil)
	if first.URL("", pkg.Digest, now) == second.URL("", pkg.Digest, now) {
		t.Error("two processes without a key sign alike")
	}
}
