package sigv4

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// The example of the S3 API reference, "Example: PUT Object" of the page on
// transferring payload in multiple chunks: 65 KiB in two chunks.
func exampleChain() *chain {
	return &chain{
		verifier: NewVerifier(), secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
		claim:    &Claim{date: "20130524", stamp: "20130524T000000Z", Region: "us-east-1", Service: "s3"},
		previous: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
	}
}

func exampleBody() string {
	return "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + strings.Repeat("a", 65536) + "\r\n" +
		"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" + strings.Repeat("a", 1024) + "\r\n" +
		"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
}

func TestTheDocumentedExampleOfChunks(t *testing.T) {
	for _, wrap := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.DataErrReader} {
		c := NewChunkedReader(wrap(strings.NewReader(exampleBody())), Payload{Chunked: true, chain: exampleChain()}, 66560)
		got, err := io.ReadAll(c)
		if err != nil || string(got) != strings.Repeat("a", 66560) {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
	}
}

func TestChunksThatAreRefused(t *testing.T) {
	signed := Payload{Chunked: true}
	plain := Payload{Chunked: true, Trailer: true}
	cases := []struct {
		name, body string
		payload    Payload
		length     int64
		want       string
	}{
		{"a changed byte", strings.Replace(exampleBody(), "aa\r\n", "ab\r\n", 1), signed, 66560, "SignatureDoesNotMatch"},
		{"a chunk without a signature", "1\r\na\r\n0\r\n\r\n", signed, 1, "IncompleteBody"},
		{"an end in a chunk", exampleBody()[:1000], signed, 66560, "IncompleteBody"},
		{"an end between chunks", exampleBody()[:65536+87], signed, 66560, "IncompleteBody"},
		{"another length than announced", "1\r\na\r\n0\r\n\r\n", plain, 2, "IncompleteBody"},
		{"longer than announced", "3\r\nabc\r\n0\r\n\r\n", plain, 2, "IncompleteBody"},
		{"no size", "x\r\n", plain, 1, "IncompleteBody"},
		{"a negative size", "-1\r\n", plain, 1, "IncompleteBody"},
		{"no line end after the chunk", "1\r\nab\r\n0\r\n\r\n", plain, 2, "IncompleteBody"},
		{"an endless line", strings.Repeat("0", 10000), plain, 1, "IncompleteBody"},
		{"too many trailers", "0\r\n" + strings.Repeat("a:b\r\n", 20), plain, 0, "MalformedTrailerError"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if !c.payload.Trailer {
				c.payload.chain = exampleChain()
			}
			_, err := io.ReadAll(NewChunkedReader(strings.NewReader(c.body), c.payload, c.length))
			var e *lambda.Error
			if !errors.As(err, &e) || e.Code != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestTrailersAreRead(t *testing.T) {
	c := NewChunkedReader(strings.NewReader("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"), Payload{Chunked: true, Trailer: true}, 5)
	got, err := io.ReadAll(c)
	if err != nil || string(got) != "hello" || c.Trailer().Get("X-Amz-Checksum-Crc32") != "NhCmhg==" {
		t.Errorf("got %q %v %v", got, c.Trailer(), err)
	}
}

// FuzzChunkedReader holds that no body panics, reads more than was announced, or is
// accepted when it is not what was signed.
func FuzzChunkedReader(f *testing.F) {
	f.Add([]byte(exampleBody()), int64(66560), true)
	f.Add([]byte("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"), int64(5), false)
	f.Add([]byte("0;chunk-signature=00\r\n\r\n"), int64(0), true)
	f.Add([]byte("ffffffffffffffff\r\n"), int64(-1), false)
	f.Fuzz(func(t *testing.T, body []byte, length int64, signed bool) {
		p := Payload{Chunked: true, Trailer: !signed}
		if signed {
			p.chain = exampleChain()
		}
		got, err := io.ReadAll(NewChunkedReader(bytes.NewReader(body), p, length))
		if err != nil {
			return
		}
		if length >= 0 && int64(len(got)) != length {
			t.Errorf("%d bytes accepted, %d announced", len(got), length)
		}
		if signed && string(got) != strings.Repeat("a", 66560) {
			t.Errorf("accepted what nobody signed: %q", got)
		}
	})
}

func TestSignedTrailers(t *testing.T) {
	sign := func(c *chain, text string) string {
		var sum [sha256.Size]byte
		c.verifier.keys.sign(&sum, scope{c.claim.date, c.claim.Region, c.claim.Service, c.secret}, []byte(text))
		c.previous = hex.EncodeToString(sum[:])
		return c.previous
	}
	hash := func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }
	c := exampleChain()
	first := sign(c, string(c.head("AWS4-HMAC-SHA256-PAYLOAD"))+hash("")+"\n"+hash("hi"))
	last := sign(c, string(c.head("AWS4-HMAC-SHA256-PAYLOAD"))+hash("")+"\n"+hash(""))
	end := sign(c, string(c.head("AWS4-HMAC-SHA256-TRAILER"))+hash("x-amz-checksum-crc32:2Oyfrw==\n"))
	for trailer, want := range map[string]bool{"2Oyfrw==": true, "AAAAAA==": false} {
		body := fmt.Sprintf("2;chunk-signature=%s\r\nhi\r\n0;chunk-signature=%s\r\nx-amz-checksum-crc32:%s\r\nx-amz-trailer-signature:%s\r\n\r\n",
			first, last, trailer, end)
		_, err := io.ReadAll(NewChunkedReader(strings.NewReader(body), Payload{Chunked: true, Trailer: true, chain: exampleChain()}, 2))
		if (err == nil) != want {
			t.Errorf("%s: got %v", trailer, err)
		}
	}
}
