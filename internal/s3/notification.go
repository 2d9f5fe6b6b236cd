package s3

import (
	"bytes"
	"encoding/xml"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// notification is a bucket's notification configuration.
type notification struct {
	XMLName   xml.Name       `xml:"http://s3.amazonaws.com/doc/2006-03-01/ NotificationConfiguration"`
	Topics    []notifyTarget `xml:"TopicConfiguration"`
	Queues    []notifyTarget `xml:"QueueConfiguration"`
	Functions []notifyTarget `xml:"CloudFunctionConfiguration"`
	// EventBridge is there when all events go to EventBridge.
	EventBridge *struct{} `xml:"EventBridgeConfiguration"`
}

// notifyTarget is one destination; only the member of its kind is set.
type notifyTarget struct {
	ID       string        `xml:"Id,omitempty"`
	Topic    string        `xml:",omitempty"`
	Queue    string        `xml:",omitempty"`
	Function string        `xml:"CloudFunction,omitempty"`
	Events   []string      `xml:"Event"`
	Filter   *notifyFilter `xml:",omitempty"`
}

type notifyFilter struct {
	Rules []filterRule `xml:"S3Key>FilterRule"`
}

type filterRule struct {
	Name  string
	Value string
}

// all are the targets with an ARN.
func (n *notification) all() []*notifyTarget {
	var out []*notifyTarget
	for _, list := range [][]notifyTarget{n.Topics, n.Queues, n.Functions} {
		for i := range list {
			out = append(out, &list[i])
		}
	}
	return out
}

func (t *notifyTarget) arn() string { return t.Topic + t.Queue + t.Function }

// affixes are the prefix and the suffix of keys that a target is told of.
func (t *notifyTarget) affixes() (prefix, suffix string) {
	if t.Filter == nil {
		return "", ""
	}
	for _, r := range t.Filter.Rules {
		if strings.EqualFold(r.Name, "prefix") {
			prefix = r.Value
		} else {
			suffix = r.Value
		}
	}
	return prefix, suffix
}

// eventTypes are the events that can be asked for (S3 user guide, "Supported event
// types for SQS, SNS, and Lambda").
var eventTypes = []string{
	"s3:TestEvent", "s3:ReducedRedundancyLostObject",
	"s3:ObjectCreated:*", "s3:ObjectCreated:Put", "s3:ObjectCreated:Post", "s3:ObjectCreated:Copy", "s3:ObjectCreated:CompleteMultipartUpload",
	"s3:ObjectRemoved:*", "s3:ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated",
	"s3:ObjectRestore:*", "s3:ObjectRestore:Post", "s3:ObjectRestore:Completed", "s3:ObjectRestore:Delete",
	"s3:Replication:*", "s3:Replication:OperationFailedReplication", "s3:Replication:OperationNotTracked",
	"s3:Replication:OperationMissedThreshold", "s3:Replication:OperationReplicatedAfterThreshold",
	"s3:LifecycleExpiration:*", "s3:LifecycleExpiration:Delete", "s3:LifecycleExpiration:DeleteMarkerCreated",
	"s3:LifecycleTransition", "s3:IntelligentTiering", "s3:ObjectAcl:Put",
	"s3:ObjectTagging:*", "s3:ObjectTagging:Put", "s3:ObjectTagging:Delete",
}

// wants says whether an event type that was asked for covers an event.
func wants(asked, event string) bool {
	asked = strings.TrimPrefix(asked, "s3:")
	if family, ok := strings.CutSuffix(asked, "*"); ok {
		return strings.HasPrefix(event, family)
	}
	return asked == event
}

func (c *call) checkNotification(text []byte) ([]byte, error) {
	var n notification
	if err := parseNotification(text, &n); err != nil {
		return nil, err
	}
	targets := n.all()
	ids := map[string]bool{}
	for i, t := range targets {
		if err := checkTarget(t); err != nil {
			return nil, err
		}
		if t.ID == "" {
			t.ID = uuid.NewString()
		}
		if ids[t.ID] {
			return nil, faultf("InvalidArgument", "Same ID used for multiple configurations. IDs must be unique")
		}
		ids[t.ID] = true
		if slices.ContainsFunc(targets[:i], func(o *notifyTarget) bool { return overlap(o, t) }) {
			return nil, faultf("InvalidArgument", "Configurations overlap. Configurations on the same bucket cannot share a common event type.")
		}
	}
	if c.s.cfg.Destination != nil && !strings.EqualFold(c.r.Header.Get("X-Amz-Skip-Destination-Validation"), "true") {
		test, err := c.testMessage()
		if err != nil {
			return nil, err
		}
		for _, t := range targets {
			d := DestinationCheck{Bucket: c.bucket, Account: c.rec.Account, ARN: t.arn(), TestMessage: test}
			if err := c.s.cfg.Destination(c.ctx(), d); err != nil {
				c.s.log.InfoContext(c.ctx(), "a bucket cannot notify a destination", "bucket", c.bucket, "destination", d.ARN, "error", err)
				return nil, faultf("InvalidArgument", "Unable to validate the following destination configurations")
			}
		}
	}
	n.XMLName = xml.Name{}
	return xml.Marshal(n)
}

// parseNotification reads a document with or without the namespace.
func parseNotification(text []byte, n *notification) error {
	dec := xml.NewDecoder(bytes.NewReader(text))
	dec.DefaultSpace = namespace
	if err := dec.Decode(n); err != nil {
		return fault("MalformedXML")
	}
	return nil
}

func checkTarget(t *notifyTarget) error {
	service := map[bool]string{t.Topic != "": "sns", t.Queue != "": "sqs", t.Function != "": "lambda"}[true]
	if parts := strings.SplitN(t.arn(), ":", 6); len(parts) != 6 || parts[0] != "arn" || parts[2] != service || parts[5] == "" {
		return faultf("InvalidArgument", "The ARN could not be parsed")
	}
	if len(t.Events) == 0 {
		return fault("MalformedXML")
	}
	for _, e := range t.Events {
		if !slices.Contains(eventTypes, e) {
			return faultf("InvalidArgument", "The event '%s' is not supported for notifications", e)
		}
	}
	if t.Filter == nil {
		return nil
	}
	seen := map[string]bool{}
	for _, r := range t.Filter.Rules {
		name := strings.ToLower(r.Name)
		if name != "prefix" && name != "suffix" {
			return faultf("InvalidArgument", "filter rule name must be either prefix or suffix")
		}
		if seen[name] {
			return faultf("InvalidArgument", "Cannot specify more than one %s rule in a filter.", name)
		}
		if len(r.Value) > keyMax {
			return faultf("InvalidArgument", "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation")
		}
		seen[name] = true
	}
	return nil
}

// overlap says whether one event could go to both targets.
func overlap(a, b *notifyTarget) bool {
	shares := slices.ContainsFunc(a.Events, func(x string) bool {
		return slices.ContainsFunc(b.Events, func(y string) bool {
			return wants(x, strings.TrimPrefix(y, "s3:")) || wants(y, strings.TrimPrefix(x, "s3:"))
		})
	})
	ap, as := a.affixes()
	bp, bs := b.affixes()
	return shares && (strings.HasPrefix(ap, bp) || strings.HasPrefix(bp, ap)) &&
		(strings.HasSuffix(as, bs) || strings.HasSuffix(bs, as))
}
