package s3

import (
	"context"
	"errors"
	"net/http"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/s3/checksum"
	"github.com/hearthfaas/hearth/internal/s3/index"
)

// wantedChecksum is the algorithm of the checksum that a new object gets: the one
// that the client sent or announced, or CRC64NVME, as S3 does by itself.
func wantedChecksum(h http.Header) (checksum.Algorithm, error) {
	a, err := claimedChecksum(h)
	if err != nil {
		return "", err
	}
	if text := h.Get("X-Amz-Sdk-Checksum-Algorithm"); text != "" {
		switch named, err := parseAlgorithm(text); {
		case err != nil:
			return "", err
		case a == "":
			return "", faultf("InvalidRequest", "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
		case named != a:
			return "", faultf("InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.")
		}
	}
	if a == "" {
		a = checksum.CRC64NVME
	}
	return a, nil
}

// parseAlgorithm reads the name of an algorithm that a request asks for.
func parseAlgorithm(name string) (checksum.Algorithm, error) {
	if a, ok := checksum.Parse(name); ok {
		return a, nil
	}
	return "", faultf("InvalidRequest", "Checksum algorithm provided is unsupported. Please try again with any of the valid types: %v", checksum.All)
}

func (c *call) putObject() error {
	attributes, err := c.newAttributes("")
	if err != nil {
		return err
	}
	cond, err := conditionsOf(c.r.Header, "").write()
	if err != nil {
		return err
	}
	algorithm, err := wantedChecksum(c.r.Header)
	if err != nil {
		return err
	}
	b, err := c.openBody(putMax, algorithm)
	if err != nil {
		return err
	}
	o, err := c.store(attributes, b, algorithm, cond, "ObjectCreated:Put")
	if err != nil {
		return err
	}
	c.showWritten(&o)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// store makes an object of a body.
func (c *call) store(a index.Attributes, b *body, algorithm checksum.Algorithm, cond func(*index.Object) error, event string) (index.Object, error) {
	id, err := c.keep(b)
	if err != nil {
		return index.Object{}, err
	}
	return c.write(index.Write{
		Object: index.Object{
			Attributes: a, Modified: c.now(), Size: b.size, ETag: b.etag(), Data: id,
			Checksum: index.Checksum{Algorithm: algorithm, Value: b.sum(algorithm), Type: checksum.FullObject},
		},
		If:     cond,
		Notify: c.notifier(event),
	})
}

// write puts a version whose blobs are durable, and removes what is left over,
// which is the new bytes when it fails.
func (c *call) write(w index.Write) (index.Object, error) {
	o, garbage, err := c.s.index.Put(c.ctx(), c.bucket, c.key, w)
	if err != nil {
		if w.Upload == "" && certain(err) {
			c.s.discard(blobsOf(&w))
		}
		return o, err
	}
	c.s.discard(garbage)
	return o, nil
}

// certain says that an error of the index means that nothing was written: it was
// refused or given up. After an error of the engine nobody knows.
func certain(err error) bool {
	_, refused := errors.AsType[*lambda.Error](toFault(err))
	return refused || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func blobsOf(w *index.Write) []index.Garbage {
	g := index.Garbage{Group: w.Object.Data}
	if w.Object.Parts == 0 {
		g.Blobs = []string{w.Object.Data}
	}
	for _, s := range w.Segments {
		g.Blobs = append(g.Blobs, s.Blob)
	}
	return []index.Garbage{g}
}

// showWritten sets the headers of the answer to a write.
func (c *call) showWritten(o *index.Object) {
	c.w.Header().Set("Etag", quote(o.ETag))
	c.showChecksum(o.Checksum)
	c.showVersion(o.Version)
	c.showEncryption(&o.Attributes)
	c.showExpiration(o)
}
