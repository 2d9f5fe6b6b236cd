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
	if a != "" || err != nil {
		return a, err
	}
	for _, name := range []string{"X-Amz-Checksum-Algorithm", "X-Amz-Sdk-Checksum-Algorithm"} {
		if text := h.Get(name); text != "" {
			a, ok := checksum.Parse(text)
			if !ok {
				return "", faultf("InvalidRequest", "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
			}
			return a, nil
		}
	}
	return checksum.CRC64NVME, nil
}

func (c *call) putObject() error {
	attributes, err := attributesOf(c.r.Header)
	if err != nil {
		return err
	}
	if err := refuseACL(c.r.Header, c.rec); err != nil {
		return err
	}
	if len(attributes.Tags) > 0 {
		if err := c.allow("s3:PutObjectTagging", c.bucket, c.key); err != nil {
			return err
		}
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
	id, err := c.keep(b)
	if err != nil {
		return err
	}
	o, err := c.write(index.Write{
		Object: index.Object{
			Attributes: attributes, Modified: c.now(), Size: b.size, ETag: b.etag(), Data: id,
			Checksum: index.Checksum{Algorithm: algorithm, Value: b.sum(algorithm), Type: checksum.FullObject},
		},
		If:     cond,
		Notify: c.notifier("ObjectCreated:Put"),
	})
	if err != nil {
		return err
	}
	c.showWritten(&o)
	c.w.WriteHeader(http.StatusOK)
	return nil
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
}
