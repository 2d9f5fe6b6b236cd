package s3

import (
	"encoding/xml"
	"errors"
	"net/http"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/s3/index"
)

const (
	// deletesMax is how many keys one DeleteObjects names (S3 API reference).
	deletesMax = 1000
	// deletesAtOnce is how many of them share a transaction's sync.
	deletesAtOnce = 64
)

// remove deletes one key or version on behalf of the caller.
func (c *call) remove(key, version string, cond func(*index.Object) error) (index.Deletion, error) {
	d, err := c.s.index.Delete(c.ctx(), c.bucket, key, index.Removal{
		Version: version, Now: c.now(), If: cond,
		Notify: func(o index.Object, madeMarker bool) [][]byte {
			if madeMarker {
				return c.notifier("ObjectRemoved:DeleteMarkerCreated")(o)
			}
			return c.notifier("ObjectRemoved:Delete")(o)
		},
	})
	if err == nil {
		c.s.discard(d.Garbage)
	}
	return d, err
}

func (c *call) deleteObject() error {
	cond, err := conditionsOf(c.r.Header, "").write()
	if err != nil {
		return err
	}
	d, err := c.remove(c.key, c.query.Get("versionId"), cond)
	if err != nil {
		return err
	}
	if d.Marker {
		c.w.Header().Set("X-Amz-Delete-Marker", "true")
	}
	c.showVersion(d.Version)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

type deleteRequest struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool
	Objects []struct {
		Key       string
		VersionID string `xml:"VersionId"`
		ETag      string
	} `xml:"Object"`
}

type deleteResult struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []deletedEntry
	Errors  []deleteError `xml:"Error"`
}

type deletedEntry struct {
	Key                   string
	VersionID             string `xml:"VersionId,omitempty"`
	DeleteMarker          bool   `xml:",omitempty"`
	DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
}

type deleteError struct {
	Key       string
	VersionID string `xml:"VersionId,omitempty"`
	Code      string
	Message   string
}

func (c *call) deleteObjects() error {
	var in deleteRequest
	if err := c.readXML(&in); err != nil {
		return err
	}
	if len(in.Objects) == 0 || len(in.Objects) > deletesMax {
		return fault("MalformedXML")
	}
	deleted := make([]*deletedEntry, len(in.Objects))
	failures := make([]*deleteError, len(in.Objects))
	var g errgroup.Group
	g.SetLimit(deletesAtOnce)
	var log sync.Once
	for i, o := range in.Objects {
		g.Go(func() error {
			entry, err := c.deleteOne(o.Key, o.VersionID, o.ETag)
			if err == nil {
				deleted[i] = entry
				return nil
			}
			e, ok := errors.AsType[*lambda.Error](toFault(err))
			if !ok {
				log.Do(func() {
					c.s.log.ErrorContext(c.ctx(), "s3 request failed", "request_id", c.id, "bucket", c.bucket, "error", err)
				})
				e = fault("InternalError")
			}
			failures[i] = &deleteError{o.Key, o.VersionID, e.Code, e.Message}
			return nil
		})
	}
	_ = g.Wait() // each tells for itself
	var out deleteResult
	for i := range in.Objects {
		if deleted[i] != nil && !in.Quiet {
			out.Deleted = append(out.Deleted, *deleted[i])
		}
		if failures[i] != nil {
			out.Errors = append(out.Errors, *failures[i])
		}
	}
	c.writeXML(http.StatusOK, out)
	return nil
}

func (c *call) deleteOne(key, version, etag string) (*deletedEntry, error) {
	if key == "" || len(key) > keyMax || !validKey(key) {
		return nil, fault("KeyTooLongError")
	}
	action := "s3:DeleteObject"
	if version != "" {
		action = "s3:DeleteObjectVersion"
	}
	if err := c.allow(action, c.bucket, key); err != nil {
		return nil, err
	}
	cond, err := conditions{match: etag}.write()
	if err != nil {
		return nil, err
	}
	d, err := c.remove(key, version, cond)
	if err != nil {
		return nil, err
	}
	entry := &deletedEntry{Key: key, VersionID: version, DeleteMarker: d.Marker}
	if d.Marker {
		entry.DeleteMarkerVersionID = d.Version
	}
	return entry, nil
}
