package s3

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/hearthfaas/hearth/internal/s3/index"
)

// document is a configuration of a bucket that is kept as it was put.
type document struct {
	param  string // its subresource
	name   string // in the names of operations: Put<name>
	action string // in permissions: s3:Put<action>
	root   string // its root element; empty when it is not XML
	// absent is the error when there is none and usual has nothing to answer.
	absent string
	// forgettable says that it can be deleted.
	forgettable bool
	// absentAlways says that it cannot be put: Hearth has nothing that it would be about.
	absentAlways bool
	// putStatus is the status of a PUT; 0 is 200.
	putStatus int
	// check refuses documents and returns what is kept.
	check func(c *call, text []byte) ([]byte, error)
}

const xmlns = ` xmlns="` + namespace + `"`

// usual is what is answered for configurations that were never put. What a new
// bucket has without asking is that of AWS since 2023.
var usual = map[string]string{
	"encryption":        `<ServerSideEncryptionConfiguration` + xmlns + `><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>`,
	"publicAccessBlock": `<PublicAccessBlockConfiguration` + xmlns + `><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>`,
	"ownershipControls": `<OwnershipControls` + xmlns + `><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>`,
	"notification":      `<NotificationConfiguration` + xmlns + `/>`,
	"logging":           `<BucketLoggingStatus` + xmlns + `/>`,
	"accelerate":        `<AccelerateConfiguration` + xmlns + `/>`,
	"requestPayment":    `<RequestPaymentConfiguration` + xmlns + `><Payer>BucketOwner</Payer></RequestPaymentConfiguration>`,
}

// documents are the configurations that a bucket may have.
var documents = []document{
	{
		param: "policy", name: "BucketPolicy", action: "BucketPolicy", absent: "NoSuchBucketPolicy", forgettable: true,
		putStatus: http.StatusNoContent, check: (*call).checkPolicy,
	},
	{
		param: "tagging", name: "BucketTagging", action: "BucketTagging", root: "Tagging", absent: "NoSuchTagSet", forgettable: true,
		putStatus: http.StatusNoContent, check: (*call).checkBucketTags,
	},
	{
		param: "cors", name: "BucketCors", action: "BucketCORS", root: "CORSConfiguration", absent: "NoSuchCORSConfiguration",
		forgettable: true, check: (*call).checkCORS,
	},
	{
		param: "lifecycle", name: "BucketLifecycleConfiguration", action: "LifecycleConfiguration", root: "LifecycleConfiguration",
		absent: "NoSuchLifecycleConfiguration", forgettable: true, check: (*call).checkLifecycle,
	},
	{
		param: "website", name: "BucketWebsite", action: "BucketWebsite", root: "WebsiteConfiguration",
		absent: "NoSuchWebsiteConfiguration", forgettable: true,
	},
	{
		param: "encryption", name: "BucketEncryption", action: "EncryptionConfiguration", root: "ServerSideEncryptionConfiguration",
		forgettable: true,
	},
	{
		param: "publicAccessBlock", name: "PublicAccessBlock", action: "BucketPublicAccessBlock", root: "PublicAccessBlockConfiguration",
		absent: "NoSuchPublicAccessBlockConfiguration", forgettable: true,
	},
	{
		param: "ownershipControls", name: "BucketOwnershipControls", action: "BucketOwnershipControls", root: "OwnershipControls",
		absent: "OwnershipControlsNotFoundError", forgettable: true, check: (*call).checkOwnership,
	},
	{
		param: "notification", name: "BucketNotificationConfiguration", action: "BucketNotification", root: "NotificationConfiguration",
		check: (*call).checkNotification,
	},
	{param: "logging", name: "BucketLogging", action: "BucketLogging", root: "BucketLoggingStatus"},
	{param: "accelerate", name: "BucketAccelerateConfiguration", action: "AccelerateConfiguration", root: "AccelerateConfiguration"},
	{param: "requestPayment", name: "BucketRequestPayment", action: "BucketRequestPayment", root: "RequestPaymentConfiguration"},
	{
		param: "replication", name: "BucketReplication", action: "ReplicationConfiguration", root: "ReplicationConfiguration",
		absent: "ReplicationConfigurationNotFoundError", absentAlways: true,
	},
	{
		param: "object-lock", name: "ObjectLockConfiguration", action: "BucketObjectLockConfiguration", root: "ObjectLockConfiguration",
		absent: "ObjectLockConfigurationNotFoundError", absentAlways: true,
	},
}

// documentOperations are the operations on documents.
func documentOperations() []operation {
	var out []operation
	for i := range documents {
		d := &documents[i]
		out = append(out, operation{
			http.MethodGet, onBucket, d.param, "", "Get" + d.name, "s3:Get" + d.action,
			func(c *call) error { return c.getDocument(d) },
		})
		if !d.absentAlways {
			out = append(out, operation{
				http.MethodPut, onBucket, d.param, "", "Put" + d.name, "s3:Put" + d.action,
				func(c *call) error { return c.putDocument(d) },
			})
		}
		if !d.forgettable {
			continue
		}
		action := "s3:Put" + d.action // most deletions are a put to permissions
		if d.param == "policy" || d.param == "website" {
			action = "s3:Delete" + d.action
		}
		out = append(out, operation{
			http.MethodDelete, onBucket, d.param, "", "Delete" + strings.TrimSuffix(d.name, "Configuration"), action,
			func(c *call) error { return c.deleteDocument(d) },
		})
	}
	return out
}

// documentOf is a bucket's document, or what it has without one; empty when it was
// deleted or never put.
func documentOf(rec *index.Bucket, param string) string {
	if text, ok := rec.Documents[param]; ok {
		return text
	}
	return usual[param]
}

func (c *call) getDocument(d *document) error {
	text := documentOf(c.rec, d.param)
	if text == "" {
		return fault(d.absent)
	}
	if d.param == "lifecycle" {
		c.w.Header().Set("X-Amz-Transition-Default-Minimum-Object-Size", "all_storage_classes_128K")
	}
	if d.root == "" {
		c.w.Header().Set("Content-Type", "application/json")
		_, _ = c.w.Write([]byte(text)) // the caller has gone; there is nobody to tell
		return nil
	}
	c.writeDocument(http.StatusOK, []byte(text))
	return nil
}

func (c *call) putDocument(d *document) error {
	text, err := c.document()
	if err != nil {
		return err
	}
	if d.root != "" {
		if err := checkRoot(text, d.root); err != nil {
			return err
		}
	}
	if d.check != nil {
		if text, err = d.check(c, text); err != nil {
			return err
		}
	}
	err = c.s.index.UpdateBucket(c.ctx(), c.bucket, func(b *index.Bucket) error {
		b.Documents[d.param] = string(text)
		return nil
	})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if d.putStatus != 0 {
		status = d.putStatus
	}
	if d.param == "lifecycle" {
		c.w.Header().Set("X-Amz-Transition-Default-Minimum-Object-Size", "all_storage_classes_128K")
	}
	c.w.WriteHeader(status)
	return nil
}

func (c *call) deleteDocument(d *document) error {
	err := c.s.index.UpdateBucket(c.ctx(), c.bucket, func(b *index.Bucket) error {
		delete(b.Documents, d.param)
		if usual[d.param] != "" && d.absent != "" {
			b.Documents[d.param] = "" // not what a new bucket has, but none
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// checkRoot says whether a text is one XML element of this name.
func checkRoot(text []byte, root string) error {
	dec := xml.NewDecoder(bytes.NewReader(text))
	seen := false
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) && seen {
			return nil
		}
		if err != nil {
			return fault("MalformedXML")
		}
		if start, ok := token.(xml.StartElement); ok && !seen {
			if start.Name.Local != root {
				return fault("MalformedXML")
			}
			seen = true
		}
	}
}

func (c *call) checkPolicy(text []byte) ([]byte, error) {
	if trimmed := bytes.TrimSpace(text); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, fault("MalformedPolicy")
	}
	if err := c.s.cfg.Authorizer.CheckPolicy(string(text)); err != nil {
		return nil, faultf("MalformedPolicy", "%s", err.Error())
	}
	if isPublic(string(text)) && publicBlocked(c.rec, "BlockPublicPolicy") {
		return nil, faultf("AccessDenied", "User: %s is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::%s\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.", c.caller.ARN, c.bucket)
	}
	return text, nil
}

// publicBlocked says whether a setting of the bucket's public access block is on.
func publicBlocked(rec *index.Bucket, setting string) bool {
	return strings.Contains(strings.ReplaceAll(documentOf(rec, "publicAccessBlock"), " ", ""), "<"+setting+">true<")
}

// isPublic says whether a policy lets everybody in: an Allow for all principals
// without a condition (S3 user guide, "The meaning of public").
func isPublic(text string) bool {
	var doc struct {
		Statement json.RawMessage
	}
	if json.Unmarshal([]byte(text), &doc) != nil {
		return false
	}
	type statement struct {
		Effect    string
		Principal json.RawMessage
		Condition map[string]any
	}
	var all []statement
	if json.Unmarshal(doc.Statement, &all) != nil {
		var one statement
		if json.Unmarshal(doc.Statement, &one) != nil {
			return false
		}
		all = []statement{one}
	}
	for _, s := range all {
		if s.Effect == "Allow" && len(s.Condition) == 0 && strings.Contains(string(s.Principal), `"*"`) {
			return true
		}
	}
	return false
}

func (c *call) getPolicyStatus() error {
	text := c.rec.Documents["policy"]
	if text == "" {
		return fault("NoSuchBucketPolicy")
	}
	c.writeDocument(http.StatusOK, fmt.Appendf(nil, `<PolicyStatus%s><IsPublic>%t</IsPublic></PolicyStatus>`, xmlns, isPublic(text)))
	return nil
}

func (c *call) checkBucketTags(text []byte) ([]byte, error) {
	_, err := parseTags(text, bucketTagsMax)
	return text, err
}
