// Package awshttp is the HTTP client under the AWS SDK clients that Hearth itself
// uses: its command line, its demonstration and its tests.
//
// The SDK for Go closes a request's body as soon as the answer's header has come.
// net/http may at that moment still be about to ask the body whether anything is
// left; the SDK's body answers a copy after its close with io.EOF as an error, and
// net/http then gives up the connection that the answer is being read from: "read
// tcp …: use of closed network connection". An endpoint that answers in 100 µs on
// the same machine meets that moment about once in 100,000 requests.
package awshttp

import (
	"io"
	"net/http"

	sdkhttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Client sends the SDK's requests over connections of its own.
type Client struct{ next *sdkhttp.BuildableClient }

// New is a client with the SDK's own defaults.
func New() Client { return Client{sdkhttp.NewBuildableClient()} }

// Do sends a request whose body can only be read: a read after the body's close is
// an ordinary end.
func (c Client) Do(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = struct{ io.ReadCloser }{req.Body}
	}
	return c.next.Do(req)
}
