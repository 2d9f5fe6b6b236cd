package s3

import (
	"encoding/xml"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/hearthfaas/hearth/internal/awsapi/sigv4"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/s3/index"
)

// fieldsMax is how long everything before the file of a form is (S3 API reference,
// "POST Object").
const fieldsMax = 20 << 10

// form is an upload as browsers send it: fields, and then a file.
type form struct {
	fields   map[string]string // names in lower case
	file     io.Reader
	filename string
}

// postForm is POST Object (S3 API reference).
func (c *call) postForm() error {
	f, err := c.readForm()
	if err != nil {
		return err
	}
	if f.fields["key"] == "" {
		return missingField("key")
	}
	limits, err := c.identifyForm(f)
	if err != nil {
		return err
	}
	rec, ok := c.s.index.Bucket(c.bucket)
	if !ok {
		return fault("NoSuchBucket")
	}
	c.rec, c.key = rec, strings.ReplaceAll(f.fields["key"], "${filename}", f.filename)
	switch {
	case len(c.key) > keyMax:
		return fault("KeyTooLongError")
	case !validKey(c.key):
		return fault("InvalidURI")
	}
	c.r = c.r.Clone(lambda.WithCaller(c.ctx(), c.caller))
	c.r.Header = f.header()
	if err := c.allow("s3:PutObject", c.bucket, c.key); err != nil {
		return err
	}
	attributes, err := c.newAttributes(f.fields["tagging"])
	if err != nil {
		return err
	}
	algorithm, err := wantedChecksum(c.r.Header)
	if err != nil {
		return err
	}
	b := newPlainBody(&sized{in: f.file, sizeLimits: limits}, algorithm)
	b.header = c.r.Header
	o, err := c.store(attributes, b, algorithm, nil, "ObjectCreated:Post")
	if err != nil {
		return err
	}
	c.answerForm(f, &o)
	return nil
}

// readForm reads the fields up to the file.
func (c *call) readForm() (*form, error) {
	kind, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	switch {
	case err != nil || kind != "multipart/form-data":
		return nil, with(fault("PreconditionFailed"), "Condition", "Bucket POST must be of the enclosure-type multipart/form-data")
	case params["boundary"] == "":
		return nil, fault("MalformedPOSTRequest")
	}
	head := &preface{in: c.r.Body, left: fieldsMax}
	parts := multipart.NewReader(head, params["boundary"])
	f := &form{fields: map[string]string{}}
	for {
		part, err := parts.NextRawPart()
		switch {
		case errors.Is(err, errLongPreface):
			return nil, fault("MaxPostPreDataLengthExceeded")
		case errors.Is(err, io.EOF):
			return nil, argument("file", "0", "POST requires exactly one file upload per request.")
		case err != nil:
			return nil, fault("MalformedPOSTRequest")
		}
		name := strings.ToLower(part.FormName())
		if name == "file" {
			f.file, f.filename = part, path.Base(strings.ReplaceAll(part.FileName(), `\`, "/"))
			head.open = true
			return f, nil
		}
		value, err := io.ReadAll(part)
		switch {
		case errors.Is(err, errLongPreface):
			return nil, fault("MaxPostPreDataLengthExceeded")
		case err != nil:
			return nil, fault("MalformedPOSTRequest")
		}
		f.fields[name] = string(value)
	}
}

// preface bounds what is read before the file is found.
type preface struct {
	in   io.Reader
	left int
	open bool
}

var errLongPreface = errors.New("s3: the fields of a form are too long")

func (p *preface) Read(b []byte) (int, error) {
	if p.open {
		return p.in.Read(b)
	}
	if p.left == 0 {
		return 0, errLongPreface
	}
	n, err := p.in.Read(b[:min(len(b), p.left)])
	p.left -= n
	return n, err
}

func missingField(name string) error {
	return argument(name, "", "Bucket POST must contain a field named '"+name+"'.  If it is specified, please check the order of the fields.")
}

// identifyForm finds out who signed the form's policy, and holds the form against it.
func (c *call) identifyForm(f *form) (sizeLimits, error) {
	limits := sizeLimits{max: putMax}
	claim, signed, missing, err := sigv4.ParsePost(f.fields)
	policy := f.fields["policy"]
	switch {
	case err != nil:
		return limits, err
	case signed && policy == "":
		return limits, missingField("policy")
	case missing != "" && signed:
		return limits, missingField(missing)
	case !signed:
		c.caller = c.complete(lambda.Caller{Kind: lambda.PrincipalAnonymous}, "")
	default:
		secret, caller, err := c.lookup(claim.AccessKeyID, claim.SessionToken)
		if err != nil {
			return limits, err
		}
		if err := c.s.verifier.VerifyPost(&claim, policy, secret); err != nil {
			return limits, err
		}
		c.caller = c.complete(caller, claim.Region)
	}
	if policy == "" {
		return limits, nil
	}
	p, err := parsePostPolicy(policy)
	if err != nil {
		return limits, err
	}
	return p.check(c.bucket, f.fields, c.s.now())
}

// header are the fields as the headers of a PUT.
func (f *form) header() http.Header {
	h := http.Header{}
	for name, value := range f.fields {
		h.Set(name, value)
	}
	if acl := f.fields["acl"]; acl != "" {
		h.Set("X-Amz-Acl", acl)
	}
	return h
}

// newAttributes reads what the request says of the object, and asks whether the
// caller may say it. tags is a document, empty when there is none.
func (c *call) newAttributes(tags string) (index.Attributes, error) {
	a, err := attributesOf(c.r.Header)
	if err != nil {
		return a, err
	}
	if err := refuseACL(c.r.Header, c.rec); err != nil {
		return a, err
	}
	if tags != "" {
		if a.Tags, err = parseTags([]byte(tags), objectTagsMax); err != nil {
			return a, err
		}
	}
	if len(a.Tags) > 0 {
		err = c.allow("s3:PutObjectTagging", c.bucket, c.key)
	}
	return a, err
}

type postResponse struct {
	XMLName  xml.Name `xml:"PostResponse"`
	Location string
	Bucket   string
	Key      string
	ETag     string
}

// answerForm answers as the form asks: with a redirection or a status.
func (c *call) answerForm(f *form, o *index.Object) {
	c.showWritten(o)
	h := c.w.Header()
	redirect := f.fields["success_action_redirect"]
	if redirect == "" {
		redirect = f.fields["redirect"]
	}
	if to, err := url.Parse(redirect); err == nil && to.IsAbs() {
		q := to.Query()
		q.Set("bucket", c.bucket)
		q.Set("key", c.key)
		q.Set("etag", quote(o.ETag))
		to.RawQuery = q.Encode()
		h.Set("Location", to.String())
		c.w.WriteHeader(http.StatusSeeOther)
		return
	}
	h.Set("Location", c.location())
	switch f.fields["success_action_status"] {
	case strconv.Itoa(http.StatusOK):
		c.w.WriteHeader(http.StatusOK)
	case strconv.Itoa(http.StatusCreated):
		c.writeXML(http.StatusCreated, postResponse{Location: c.location(), Bucket: c.bucket, Key: c.key, ETag: quote(o.ETag)})
	default:
		c.w.WriteHeader(http.StatusNoContent)
	}
}

// sizeLimits are how long a file may be, in bytes.
type sizeLimits struct{ min, max int64 }

// sized reads a file that must be of a length within limits.
type sized struct {
	in io.Reader
	sizeLimits
	read int64
}

func (s *sized) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	s.read += int64(n)
	switch {
	case s.read > s.max:
		return 0, with(faultf("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"),
			"ProposedSize", strconv.FormatInt(s.read, 10), "MaxSizeAllowed", strconv.FormatInt(s.max, 10))
	case errors.Is(err, io.EOF) && s.read < s.min:
		return 0, with(faultf("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"),
			"ProposedSize", strconv.FormatInt(s.read, 10), "MinSizeAllowed", strconv.FormatInt(s.min, 10))
	}
	return n, err
}
