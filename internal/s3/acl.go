package s3

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/hearthfaas/hearth/internal/s3/index"
)

// ownerships are the values of ObjectOwnership.
var ownerships = []string{"BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"}

func ownershipDocument(value string) (string, error) {
	if !slices.Contains(ownerships, value) {
		return "", faultf("InvalidArgument", "Invalid x-amz-object-ownership header: %s", value)
	}
	return `<OwnershipControls` + xmlns + `><Rule><ObjectOwnership>` + value + `</ObjectOwnership></Rule></OwnershipControls>`, nil
}

func (c *call) checkOwnership(text []byte) ([]byte, error) {
	var in struct {
		Rule []struct{ ObjectOwnership string }
	}
	if err := parseXML(text, &in); err != nil {
		return nil, err
	}
	if len(in.Rule) != 1 || !slices.Contains(ownerships, in.Rule[0].ObjectOwnership) {
		return nil, fault("MalformedXML")
	}
	return text, nil
}

// ownerACLs are the canned ACLs that say no more than what holds anyway.
var ownerACLs = []string{"", "private", "bucket-owner-full-control"}

// refuseACL refuses requests that grant something by ACL: policies are the way to
// grant here. Where the bucket has ACLs switched off the refusal is AWS's.
func refuseACL(h http.Header, rec *index.Bucket) error {
	plain := slices.Contains(ownerACLs, h.Get("X-Amz-Acl"))
	for name := range h {
		if strings.HasPrefix(name, "X-Amz-Grant-") {
			plain = false
		}
	}
	switch {
	case plain:
		return nil
	case strings.Contains(documentOf(rec, "ownershipControls"), "BucketOwnerEnforced"):
		return fault("AccessControlListNotSupported")
	}
	return faultf("NotImplemented", "Hearth does not evaluate ACLs other than private. Grant access with a bucket policy.")
}

// getACL answers with the one grant that there is: all, to the owner.
func (c *call) getACL() error {
	if c.key != "" {
		o, err := c.find(c.query.Get("versionId"))
		if err != nil {
			return err
		}
		c.showVersion(o.Version)
	}
	id := ownerID(c.rec.Account)
	c.writeDocument(http.StatusOK, fmt.Appendf(nil, `<AccessControlPolicy%s><Owner><ID>%s</ID></Owner><AccessControlList><Grant>`+
		`<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>%s</ID></Grantee>`+
		`<Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>`, xmlns, id, id))
	return nil
}

func (c *call) putACL() error {
	if c.key != "" {
		if _, err := c.find(c.query.Get("versionId")); err != nil {
			return err
		}
	}
	if err := refuseACL(c.r.Header, c.rec); err != nil {
		return err
	}
	text, err := c.document()
	if err != nil {
		return err
	}
	if len(text) > 0 {
		if err := c.checkGrants(text); err != nil {
			return err
		}
	}
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// checkGrants lets a document pass that grants the owner everything and nobody else
// anything.
func (c *call) checkGrants(text []byte) error {
	var in struct {
		Grants []struct {
			Grantee struct {
				ID  string
				URI string
			}
			Permission string
		} `xml:"AccessControlList>Grant"`
	}
	if err := checkRoot(text, "AccessControlPolicy"); err != nil {
		return fault("MalformedACLError")
	}
	if err := parseXML(text, &in); err != nil {
		return fault("MalformedACLError")
	}
	for _, g := range in.Grants {
		if g.Grantee.ID != ownerID(c.rec.Account) || g.Permission != "FULL_CONTROL" {
			return refuseACL(http.Header{"X-Amz-Acl": {"custom"}}, c.rec)
		}
	}
	return nil
}
