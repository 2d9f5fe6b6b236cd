package s3

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/s3/index"
)

// find returns a version that is an object and not a delete marker.
func (c *call) find(version string) (index.Object, error) {
	o, err := c.s.index.Get(c.ctx(), c.bucket, c.key, version)
	if err == nil && o.DeleteMarker {
		err = c.markerFault(&o, version)
	}
	return o, c.hide(err)
}

// markerFault is the answer for a delete marker: as if there were nothing, or, when
// the request named it, that it cannot be read.
func (c *call) markerFault(o *index.Object, version string) error {
	c.w.Header().Set("X-Amz-Delete-Marker", "true")
	c.showVersion(o.Version)
	if version != "" {
		c.w.Header().Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
		c.w.Header().Set("Allow", http.MethodDelete)
		return fault("MethodNotAllowed")
	}
	return fault("NoSuchKey")
}

// hide does not tell those who may not list the bucket that a key does not exist.
func (c *call) hide(err error) error {
	e, ok := errors.AsType[*lambda.Error](toFault(err))
	if !ok || e.Code != "NoSuchKey" {
		return err
	}
	if refused := c.allow("s3:ListBucket", c.bucket, ""); refused != nil {
		return refused
	}
	return err
}

// overrides are the query parameters that change headers of the answer.
var overrides = map[string]string{
	"response-content-type": "Content-Type", "response-content-language": "Content-Language",
	"response-expires": "Expires", "response-cache-control": "Cache-Control",
	"response-content-disposition": "Content-Disposition", "response-content-encoding": "Content-Encoding",
}

// getObject is GetObject and HeadObject.
func (c *call) getObject() error {
	version := c.query.Get("versionId")
	o, err := c.s.openObject(c.ctx(), c.bucket, c.key, version)
	if err != nil {
		return c.hide(err)
	}
	defer o.done()
	if o.DeleteMarker {
		return c.hide(c.markerFault(&o.Object, version))
	}
	switch conditionsOf(c.r.Header, "").read(&o.Object) {
	case failed:
		return fault("PreconditionFailed")
	case notModified:
		c.showAttributes(&o.Object)
		return notModifiedAnswer()
	case proceed:
	}
	status, sum, err := c.selectBytes(o)
	if err != nil {
		return err
	}
	c.showAttributes(&o.Object)
	h := c.w.Header()
	for param, name := range overrides {
		if value := c.query.Get(param); value != "" {
			if anonymous(c.caller) {
				return faultf("InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.")
			}
			h.Set(name, value)
		}
	}
	if strings.EqualFold(c.r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		c.showChecksum(sum)
	}
	c.showExpiration(&o.Object)
	if n := len(o.Tags); n > 0 {
		h.Set("X-Amz-Tagging-Count", strconv.Itoa(n))
	}
	h.Set("Content-Length", strconv.FormatInt(o.end-o.at, 10))
	c.w.WriteHeader(status)
	if c.r.Method == http.MethodHead {
		return nil
	}
	if _, err := io.Copy(c.w, o); err != nil {
		if c.ctx().Err() == nil {
			c.s.log.DebugContext(c.ctx(), "an object was not sent to its end", "request_id", c.id, "error", err)
		}
		panic(http.ErrAbortHandler) // the status is out: only the connection can tell
	}
	return nil
}

// selectBytes narrows the object to the range or the part that is asked for. sum is
// the checksum of what is left; a range has none.
func (c *call) selectBytes(o *object) (status int, sum index.Checksum, err error) {
	ranged := c.r.Header.Get("Range")
	if text := c.query.Get("partNumber"); text != "" {
		if ranged != "" {
			return 0, sum, faultf("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
		}
		return c.selectPart(o, text)
	}
	start, length, ok, err := parseRange(ranged, o.Size)
	if err != nil {
		size := strconv.FormatInt(o.Size, 10)
		c.w.Header().Set("Content-Range", "bytes */"+size)
		return 0, sum, with(fault("InvalidRange"), "ActualObjectSize", size, "RangeRequested", ranged)
	}
	if !ok {
		return http.StatusOK, o.Checksum, nil
	}
	o.limit(start, length)
	c.contentRange(o)
	return http.StatusPartialContent, sum, nil
}

func (c *call) selectPart(o *object, text string) (status int, sum index.Checksum, err error) {
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 || number > partNumberMax {
		return 0, sum, argument("partNumber", text, "Part number must be an integer between 1 and 10000, inclusive")
	}
	if number > len(o.segments) {
		return 0, sum, with(fault("InvalidPartNumber"), "PartNumberRequested", text, "ActualPartCount", strconv.Itoa(len(o.segments)))
	}
	sum = o.Checksum
	if o.Parts > 0 {
		c.w.Header().Set("X-Amz-Mp-Parts-Count", strconv.Itoa(o.Parts))
		sum.Value = o.segments[number-1].Sum
	}
	start := int64(0)
	for _, seg := range o.segments[:number-1] {
		start += seg.Size
	}
	o.limit(start, o.segments[number-1].Size)
	if o.Size > 0 {
		c.contentRange(o)
	}
	return http.StatusPartialContent, sum, nil
}

func (c *call) contentRange(o *object) {
	c.w.Header().Set("Content-Range", "bytes "+strconv.FormatInt(o.at, 10)+"-"+strconv.FormatInt(o.end-1, 10)+
		"/"+strconv.FormatInt(o.Size, 10))
}

// parseRange reads a Range header. ok is false when there is none, or one that
// servers ignore: another unit, several ranges or bad syntax (RFC 9110, section 14.2).
func parseRange(text string, size int64) (start, length int64, ok bool, err error) {
	text, isBytes := strings.CutPrefix(text, "bytes=")
	from, to, isRange := strings.Cut(text, "-")
	if !isBytes || !isRange || strings.Contains(text, ",") {
		return 0, 0, false, nil
	}
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	number := func(s string) (int64, bool) {
		n, err := strconv.ParseInt(s, 10, 64)
		return n, err == nil && n >= 0 && s[0] != '+'
	}
	if from == "" {
		n, valid := number(to)
		if !valid {
			return 0, 0, false, nil
		}
		if n == 0 || size == 0 {
			return 0, 0, false, fault("InvalidRange")
		}
		n = min(n, size)
		return size - n, n, true, nil
	}
	start, valid := number(from)
	if !valid {
		return 0, 0, false, nil
	}
	end := size - 1
	if to != "" {
		last, valid := number(to)
		if !valid || last < start {
			return 0, 0, false, nil
		}
		end = min(last, end)
	}
	if start >= size {
		return 0, 0, false, fault("InvalidRange")
	}
	return start, end - start + 1, true, nil
}
