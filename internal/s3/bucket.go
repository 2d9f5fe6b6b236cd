package s3

import (
	"encoding/xml"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/s3/index"
)

// xmlTime is a time as S3 writes it in XML.
type xmlTime time.Time

// MarshalText implements encoding.TextMarshaler.
func (t xmlTime) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format("2006-01-02T15:04:05.000Z")), nil
}

type owner struct {
	ID string
}

type listBucketsResult struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
	Owner   owner
	Buckets []bucketEntry `xml:"Buckets>Bucket"`
	Prefix  string        `xml:",omitempty"`
	Token   string        `xml:"ContinuationToken,omitempty"`
}

type bucketEntry struct {
	Name         string
	CreationDate xmlTime
	BucketRegion string
	BucketArn    string
}

// bucketsPageMax is the largest page of ListBuckets (S3 API reference).
const bucketsPageMax = 10000

func (c *call) listBuckets() error {
	limit, err := c.number("max-buckets", bucketsPageMax, bucketsPageMax)
	if err != nil {
		return err
	}
	prefix, region, after := c.query.Get("prefix"), c.query.Get("bucket-region"), c.query.Get("continuation-token")
	out := listBucketsResult{Owner: owner{ownerID(c.caller.Account)}, Prefix: prefix}
	for _, b := range c.s.index.Buckets(c.caller.Account) {
		if !strings.HasPrefix(b.Name, prefix) || region != "" && b.Region != region || b.Name <= after {
			continue
		}
		if len(out.Buckets) == limit {
			out.Token = out.Buckets[limit-1].Name
			break
		}
		out.Buckets = append(out.Buckets, bucketEntry{b.Name, xmlTime(b.Created), b.Region, "arn:aws:s3:::" + b.Name})
	}
	c.writeXML(http.StatusOK, out)
	return nil
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// validBucketName holds the rules of general purpose buckets (S3 user guide,
// "General purpose bucket naming rules").
func validBucketName(name string) bool {
	if !bucketName.MatchString(name) || strings.Contains(name, "..") || net.ParseIP(name) != nil {
		return false
	}
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	return true
}

type createBucketConfiguration struct {
	LocationConstraint string
	Tags               *struct {
		Tag []tag
	}
}

func (c *call) createBucket() error {
	if anonymous(c.caller) {
		return fault("AccessDenied")
	}
	if !validBucketName(c.bucket) {
		return fault("InvalidBucketName")
	}
	text, err := c.document()
	if err != nil {
		return err
	}
	var conf createBucketConfiguration
	if len(text) > 0 {
		if err := parseXML(text, &conf); err != nil {
			return err
		}
	}
	region, err := locationOf(conf.LocationConstraint, c.caller.Region)
	if err != nil {
		return err
	}
	if strings.EqualFold(c.r.Header.Get("X-Amz-Bucket-Object-Lock-Enabled"), "true") {
		return faultf("NotImplemented", "Hearth does not serve Object Lock.")
	}
	rec := index.Bucket{
		Name: c.bucket, Account: c.caller.Account, Region: region, Created: c.now(), Documents: map[string]string{},
	}
	if o := c.r.Header.Get("X-Amz-Object-Ownership"); o != "" {
		if rec.Documents["ownershipControls"], err = ownershipDocument(o); err != nil {
			return err
		}
	}
	if err := refuseACL(c.r.Header, &rec); err != nil {
		return err
	}
	if conf.Tags != nil {
		doc, err := xml.Marshal(taggingDocument{TagSet: conf.Tags.Tag})
		if err != nil {
			return err
		}
		rec.Documents["tagging"] = string(doc)
	}
	if err := c.s.index.CreateBucket(c.ctx(), rec); errors.Is(err, index.ErrBucketExists) {
		if err := c.existing(region); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	c.w.Header().Set("Location", "/"+c.bucket)
	c.w.Header().Set("X-Amz-Bucket-Arn", "arn:aws:s3:::"+c.bucket)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// existing is the answer for a bucket that exists already: in us-east-1 making it
// again succeeds, elsewhere it does not.
func (c *call) existing(region string) error {
	old, ok := c.s.index.Bucket(c.bucket)
	switch {
	case !ok || old.Account != c.caller.Account:
		return fault("BucketAlreadyExists")
	case old.Region != "us-east-1" || region != "us-east-1":
		return fault("BucketAlreadyOwnedByYou")
	}
	return nil
}

// locationOf is the region of a new bucket: outside us-east-1 the request must name
// the region that it was sent to.
func locationOf(constraint, region string) (string, error) {
	if constraint == "EU" {
		constraint = "eu-west-1"
	}
	switch {
	case constraint == region && constraint != "us-east-1", constraint == "" && region == "us-east-1":
		return region, nil
	case region == "us-east-1" && constraint != "us-east-1":
		return constraint, nil
	case constraint == "us-east-1":
		return "", fault("InvalidLocationConstraint")
	case constraint == "":
		return "", faultf("IllegalLocationConstraintException",
			"The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	}
	return "", faultf("IllegalLocationConstraintException",
		"The %s location constraint is incompatible for the region specific endpoint this request was sent to.", constraint)
}

func (c *call) deleteBucket() error {
	garbage, err := c.s.index.DeleteBucket(c.ctx(), c.bucket)
	if err != nil {
		return err
	}
	c.s.discard(garbage)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (c *call) headBucket() error {
	c.w.Header().Set("X-Amz-Bucket-Region", c.rec.Region)
	c.w.Header().Set("X-Amz-Bucket-Arn", "arn:aws:s3:::"+c.bucket)
	c.w.Header().Set("X-Amz-Access-Point-Alias", "false")
	c.w.Header().Set("Content-Type", "application/xml")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (c *call) getLocation() error {
	type location struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Region  string   `xml:",chardata"`
	}
	out := location{Region: c.rec.Region}
	if out.Region == "us-east-1" {
		out.Region = ""
	}
	c.writeXML(http.StatusOK, out)
	return nil
}

type versioningDocument struct {
	XMLName   xml.Name         `xml:"http://s3.amazonaws.com/doc/2006-03-01/ VersioningConfiguration"`
	Status    index.Versioning `xml:",omitempty"`
	MFADelete string           `xml:"MfaDelete,omitempty"`
}

func (c *call) getVersioning() error {
	c.writeXML(http.StatusOK, versioningDocument{Status: c.rec.Versioning})
	return nil
}

func (c *call) putVersioning() error {
	var conf struct {
		Status    index.Versioning
		MFADelete string `xml:"MfaDelete"`
	}
	if err := c.readXML(&conf); err != nil {
		return err
	}
	if conf.Status != index.Enabled && conf.Status != index.Suspended {
		return faultf("IllegalVersioningConfigurationException", "The Versioning element must be specified")
	}
	if conf.MFADelete == "Enabled" {
		return faultf("NotImplemented", "Hearth does not serve MFA delete.")
	}
	err := c.s.index.UpdateBucket(c.ctx(), c.bucket, func(b *index.Bucket) error {
		b.Versioning = conf.Status
		return nil
	})
	if err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusOK)
	return nil
}
