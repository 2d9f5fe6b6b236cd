package node

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/sns"
)

// openSNS opens SNS, and shows identity its topics.
func (n *Node) openSNS(ctx context.Context, p *parts, addr string) (err error) {
	p.sns, err = sns.Open(ctx, sns.Config{
		Store: p.store, Queue: p.queue, Targets: snsTargets{p.hub}, Authorizer: p.iam,
		CheckPolicy: func(document string) error {
			_, err := policy.Parse(policy.Resource, document)
			return err
		},
		BaseURL: baseURL(addr), TimeScale: n.cfg.TimeScale, Now: time.Now, Log: n.log,
	})
	if err != nil {
		return fmt.Errorf("open SNS: %w", err)
	}
	p.iam.UseResources("sns", snsResources{p.sns})
	return nil
}

// baseURL is where programs on this host reach an address that is listened on.
func baseURL(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "http://" + addr
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// runSNS delivers messages from when functions are known: before, one that exists
// would look as if it did not.
func (p *parts) runSNS(ctx context.Context) error {
	select {
	case <-p.plane.Ready():
		return p.sns.Run(ctx)
	case <-ctx.Done():
		return nil
	}
}

// snsTargets takes SNS's messages to queues and functions.
type snsTargets struct{ hub *hub }

// Deliver meets sns.Targets.
func (t snsTargets) Deliver(ctx context.Context, d sns.Delivery) error {
	account := ""
	if f := strings.SplitN(d.TopicARN, ":", 6); len(f) == 6 {
		account = f[4]
	}
	parcel := parcel{ARN: d.Endpoint, Body: d.Body, GroupID: d.Group, DeduplicationID: d.DedupID}
	for name, a := range d.Attributes {
		if parcel.Attributes == nil {
			parcel.Attributes = map[string]attribute{}
		}
		parcel.Attributes[name] = attribute{a.Type, string(a.Value)}
	}
	err := t.hub.deliver(ctx, asService("sns.amazonaws.com", d.TopicARN, account, d.Endpoint), parcel)
	if err != nil && final(err) {
		code, text := refusal(err)
		return &sns.Refusal{Code: code, Text: text}
	}
	return err
}

// snsResources shows identity the policies and tags of topics.
type snsResources struct{ sns *sns.Service }

// Policy meets iam.Resources.
func (r snsResources) Policy(arn string) (int64, func() string, bool) { return r.sns.Policy(arn) }

// Tags meets iam.Resources.
func (r snsResources) Tags(arn string) map[string]string { return r.sns.TagsAt(arn) }
