package s3

import (
	"encoding/xml"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/hearthfaas/hearth/internal/s3/index"
)

// The limits of tags (S3 user guide, "Categorizing your objects using tags").
const (
	objectTagsMax = 10
	bucketTagsMax = 50
	tagKeyMax     = 128
	tagValueMax   = 256
)

type tag struct {
	Key   string
	Value string
}

type taggingDocument struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ Tagging"`
	TagSet  []tag    `xml:"TagSet>Tag"`
}

// parseTags reads a document of at most limit tags.
func parseTags(text []byte, limit int) ([]index.Tag, error) {
	var in struct {
		XMLName xml.Name `xml:"Tagging"`
		TagSet  []tag    `xml:"TagSet>Tag"`
	}
	if err := parseXML(text, &in); err != nil {
		return nil, err
	}
	tags := make([]index.Tag, len(in.TagSet))
	for i, t := range in.TagSet {
		tags[i] = index.Tag(t)
	}
	return tags, checkTags(tags, limit)
}

// tagText is what keys and values of tags are made of (S3 user guide, "Categorizing
// your objects using tags").
var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

func checkTags(tags []index.Tag, limit int) error {
	if len(tags) > limit {
		if limit == objectTagsMax {
			return faultf("BadRequest", "Object tags cannot be greater than %d", limit)
		}
		return faultf("BadRequest", "Tag count cannot be greater than %d", limit)
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || !tagText.MatchString(t.Key) || utf8.RuneCountInString(t.Key) > tagKeyMax:
			return faultf("InvalidTag", "The TagKey you have provided is invalid")
		case !tagText.MatchString(t.Value) || utf8.RuneCountInString(t.Value) > tagValueMax:
			return faultf("InvalidTag", "The TagValue you have provided is invalid")
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return faultf("InvalidTag", "System tags cannot be added/updated by requester")
		case seen[t.Key]:
			return faultf("InvalidTag", "Cannot provide multiple Tags with the same key")
		}
		seen[t.Key] = true
	}
	return nil
}

func (c *call) getTagging() error {
	o, err := c.find(c.query.Get("versionId"))
	if err != nil {
		return err
	}
	var out taggingDocument
	for _, t := range o.Tags {
		out.TagSet = append(out.TagSet, tag(t))
	}
	c.showVersion(o.Version)
	c.writeXML(http.StatusOK, out)
	return nil
}

func (c *call) putTagging() error {
	text, err := c.document()
	if err != nil {
		return err
	}
	tags, err := parseTags(text, objectTagsMax)
	if err != nil {
		return err
	}
	return c.changeTags(tags, "ObjectTagging:Put", http.StatusOK)
}

func (c *call) deleteTagging() error {
	return c.changeTags(nil, "ObjectTagging:Delete", http.StatusNoContent)
}

func (c *call) changeTags(tags []index.Tag, event string, status int) error {
	o, err := c.s.index.Change(c.ctx(), c.bucket, c.key, c.query.Get("versionId"), c.notifier(event), func(o *index.Object) error {
		if o.DeleteMarker {
			return fault("MethodNotAllowed")
		}
		o.Tags = tags
		return nil
	})
	if err != nil {
		return err
	}
	c.showVersion(o.Version)
	c.w.WriteHeader(status)
	return nil
}
