package s3

import (
	"net/http"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/s3/index"
)

// conditions are the preconditions of a request (RFC 9110, section 13).
type conditions struct {
	match, noneMatch               string
	modifiedSince, unmodifiedSince time.Time
}

// conditionsOf reads them; prefix is that of the header names, such as
// "X-Amz-Copy-Source-". A date that is none is ignored, as RFC 9110 says.
func conditionsOf(h http.Header, prefix string) conditions {
	date := func(name string) time.Time {
		t, err := http.ParseTime(h.Get(prefix + name))
		if err != nil {
			return time.Time{}
		}
		return t
	}
	return conditions{
		match: h.Get(prefix + "If-Match"), noneMatch: h.Get(prefix + "If-None-Match"),
		modifiedSince: date("If-Modified-Since"), unmodifiedSince: date("If-Unmodified-Since"),
	}
}

// verdict is what conditions make of a read.
type verdict int

const (
	proceed verdict = iota
	notModified
	failed
)

// read decides about a read of an object, in the order of RFC 9110, section 13.2.2.
func (c conditions) read(o *index.Object) verdict {
	switch {
	case c.match != "":
		if !hasETag(c.match, o.ETag) {
			return failed
		}
	case !c.unmodifiedSince.IsZero() && o.Modified.After(c.unmodifiedSince):
		return failed
	}
	switch {
	case c.noneMatch != "":
		if hasETag(c.noneMatch, o.ETag) {
			return notModified
		}
	case !c.modifiedSince.IsZero() && !o.Modified.After(c.modifiedSince):
		return notModified
	}
	return proceed
}

// write makes the check of a conditional write (S3 user guide, "How to prevent
// object overwrites with conditional writes"); nil when there is no condition.
func (c conditions) write() (func(cur *index.Object) error, error) {
	if c.noneMatch != "" && c.noneMatch != "*" {
		return nil, with(fault("NotImplemented"), "Header", "If-None-Match", "additionalMessage", "We don't accept the provided value of If-None-Match header for this API")
	}
	if c.match == "" && c.noneMatch == "" {
		return nil, nil
	}
	if c.match != "" && c.noneMatch != "" {
		return nil, with(fault("NotImplemented"), "Header", "If-Match,If-None-Match", "additionalMessage", "Multiple conditional request headers present in the request")
	}
	return func(cur *index.Object) error {
		switch {
		case c.noneMatch != "" && cur != nil:
			return with(fault("PreconditionFailed"), "Condition", "If-None-Match")
		case c.match != "" && cur == nil:
			return fault("NoSuchKey")
		case c.match != "" && !hasETag(c.match, cur.ETag):
			return with(fault("PreconditionFailed"), "Condition", "If-Match")
		}
		return nil
	}, nil
}

// hasETag says whether a list of entity tags has one; a star has all.
func hasETag(list, etag string) bool {
	for item := range strings.SplitSeq(list, ",") {
		item = strings.Trim(strings.TrimPrefix(strings.TrimSpace(item), "W/"), `"`)
		if item == "*" || item == etag {
			return true
		}
	}
	return false
}

// notModifiedAnswer is the 304, which has no body.
func notModifiedAnswer() *lambda.Error {
	return &lambda.Error{Code: "NotModified", Message: "Not Modified", Status: http.StatusNotModified}
}
