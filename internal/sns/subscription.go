package sns

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// The protocols that deliver.
const (
	protocolHTTP   = "http"
	protocolHTTPS  = "https"
	protocolLambda = "lambda"
	protocolSQS    = "sqs"
)

func isHTTP(protocol string) bool { return protocol == protocolHTTP || protocol == protocolHTTPS }

const (
	// subscriptionsMax bounds a standard topic's subscriptions: each message is written
	// once for each. AWS has 12.5 million.
	subscriptionsMax = 10_000
	// fifoSubscriptionsMax is AWS's quota for a FIFO topic.
	fifoSubscriptionsMax = 100
	// filtersMax is how many of a topic's subscriptions may have filter policies (SNS
	// quotas).
	filtersMax = 200
	// endpointMax bounds an endpoint's length; AWS allows URLs of about this length.
	endpointMax = 2048
)

// pendingARN is what callers read where an ARN is not for them yet.
const (
	pendingARN       = "pending confirmation"
	pendingListedARN = "PendingConfirmation"
)

// subscribe makes a subscription, or finds the one that exists for the endpoint. An
// endpoint of the caller's own account is confirmed at once.
func (s *Service) subscribe(ctx context.Context, in *awssns.SubscribeInput) (*awssns.SubscribeOutput, error) {
	c := lambda.CallerFrom(ctx)
	k, err := checkTopicARN(c, "TopicArn", aws.ToString(in.TopicArn))
	if err != nil {
		return nil, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	t, err := s.topic(k.ARN())
	if err != nil {
		return nil, err
	}
	rec := subscriptionRecord{
		Protocol: aws.ToString(in.Protocol), Endpoint: aws.ToString(in.Endpoint), Owner: c.Account, Principal: c.ARN,
		Attributes: map[string]string{},
	}
	account, err := checkEndpoint(t, rec.Protocol, rec.Endpoint)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
		rec.Attributes[name] = in.Attributes[name]
	}
	if err := checkSubscription(t, &rec); err != nil {
		return nil, asAttributes(err)
	}
	sub, err := s.existing(t, &rec)
	if err != nil {
		return nil, err
	}
	if sub == nil {
		if sub, err = s.newSubscription(ctx, t, rec, account == c.Account); err != nil {
			return nil, err
		}
	}
	if sub.record.Pending {
		if sub, err = s.askForConfirmation(ctx, sub, typeSubscriptionConfirmation); err != nil {
			return nil, err
		}
	}
	out := &awssns.SubscribeOutput{SubscriptionArn: aws.String(sub.arn)}
	if sub.record.Pending && !in.ReturnSubscriptionArn {
		out.SubscriptionArn = aws.String(pendingARN)
	}
	return out, nil
}

// existing is the topic's subscription of the same endpoint, nil when there is none.
func (s *Service) existing(t *topic, rec *subscriptionRecord) (*subscription, error) {
	filters := 0
	subs := s.subscriptionsOf(t)
	for _, sub := range subs {
		if sub.filter != nil {
			filters++
		}
		if !sub.listed() || sub.record.Protocol != rec.Protocol || sub.record.Endpoint != rec.Endpoint {
			continue
		}
		for name, value := range rec.Attributes {
			if sub.record.Attributes[name] != value && sub.attributes()[name] != value {
				return nil, invalid("Attributes Reason: Subscription already exists with different attributes")
			}
		}
		return sub, nil
	}
	limit := subscriptionsMax
	switch {
	case t.record.FIFO:
		limit = fifoSubscriptionsMax
	case t.messageMax() > sizeDefault:
		limit = largeSubscriptionsMax
	}
	if len(subs) >= limit {
		return nil, lambda.Errorf(codeSubscriptionLimit, "Subscription limit exceeded: a topic like this has at most %d subscriptions", limit)
	}
	if rec.Attributes[attrFilterPolicy] != "" && filters >= filtersMax {
		return nil, errFilterLimit
	}
	return nil, nil //nolint:nilnil // none is not an error
}

var errFilterLimit = lambda.Errorf(codeFilterPolicyLimit, "Filter policy limit exceeded: a topic has at most %d", filtersMax)

// newSubscription stores a subscription; writing is held.
func (s *Service) newSubscription(ctx context.Context, t *topic, rec subscriptionRecord, own bool) (*subscription, error) {
	rec.Pending = !own
	rec.Authenticated = own
	arn := t.arn + ":" + lambda.NewUUID()
	if err := s.storeSubscription(ctx, t, arn, rec); err != nil {
		return nil, err
	}
	return s.subscription(arn)
}

// askForConfirmation gives a subscription a new token and has it sent to the
// endpoint; writing is held.
func (s *Service) askForConfirmation(ctx context.Context, sub *subscription, kind string) (*subscription, error) {
	rec := sub.record
	rec.Token, rec.Expires = newToken(), s.cfg.Now().Add(tokenLife).UnixMilli()
	if err := s.storeSubscription(ctx, sub.topic, sub.arn, rec); err != nil {
		return nil, err
	}
	s.mu.RLock()
	changed := s.index.subs[sub.arn]
	s.mu.RUnlock()
	return changed, s.enqueueConfirmation(ctx, changed, kind)
}

// checkEndpoint says whose the endpoint is: the account, empty for one of the web.
func checkEndpoint(t *topic, protocol, endpoint string) (account string, err error) {
	if len(endpoint) > endpointMax {
		return "", invalid("Endpoint")
	}
	switch protocol {
	case protocolHTTP, protocolHTTPS:
		u, err := url.Parse(endpoint)
		switch {
		case !strings.HasPrefix(endpoint, protocol+"://"):
			return "", invalid("Endpoint must match the specified protocol")
		case err != nil || u.Hostname() == "":
			return "", invalid("Endpoint Reason: the URL cannot be read")
		case t.record.FIFO:
			return "", invalid("Invalid parameter: Endpoint Reason: FIFO topics deliver to SQS queues only")
		case t.messageMax() > sizeDefault:
			return "", invalid("Protocol Reason: the topic's messages above 256 KiB cannot go to HTTP endpoints")
		}
		return "", nil
	case protocolSQS:
		arn, ok := parseResource(endpoint)
		switch {
		case !ok || arn.service != "sqs" || strings.Contains(arn.name, ":"):
			return "", invalid("SQS endpoint ARN")
		case strings.HasSuffix(arn.name, fifoSuffix) && !t.record.FIFO:
			return "", invalid("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
		}
		return arn.account, nil
	case protocolLambda:
		arn, ok := parseResource(endpoint)
		switch {
		case !ok || arn.service != "lambda" || !strings.HasPrefix(arn.name, "function:"):
			return "", invalid("Lambda endpoint ARN")
		case t.record.FIFO:
			return "", invalid("Invalid parameter: Endpoint Reason: FIFO topics deliver to SQS queues only")
		}
		return arn.account, nil
	case "email", "email-json", "sms", "application", "firehose":
		return "", lambda.Errorf(lambda.CodeNotImplemented, "Hearth does not deliver by the protocol %s.", protocol)
	}
	return "", invalid("Amazon SNS does not support this protocol string: %s", protocol)
}

// checkSubscription checks all attributes of a subscription together.
func checkSubscription(t *topic, rec *subscriptionRecord) error {
	for _, name := range slices.Sorted(maps.Keys(rec.Attributes)) {
		if err := checkSubscriptionAttribute(rec.Protocol, name, rec.Attributes[name]); err != nil {
			return err
		}
	}
	if _, err := compileFilter(rec.Attributes[attrFilterScope], rec.Attributes[attrFilterPolicy]); err != nil {
		return err
	}
	dead, err := parseRedrive(rec.Attributes[attrRedrive])
	if err != nil {
		return err
	}
	if dead != "" && t.record.FIFO && strings.HasSuffix(rec.Endpoint, fifoSuffix) != strings.HasSuffix(dead, fifoSuffix) {
		return invalid("RedrivePolicy: must use a FIFO queue as DLQ for a FIFO topic")
	}
	for name, value := range rec.Attributes {
		if value == "" {
			delete(rec.Attributes, name)
		}
	}
	return nil
}

func checkSubscriptionAttribute(protocol, name, value string) error {
	switch name {
	case attrRaw:
		if value != "true" && value != "false" {
			return invalid("RawMessageDelivery: Invalid value [%s]. Must be true or false.", value)
		}
		if value == "true" && protocol == protocolLambda {
			return invalid("RawMessageDelivery: Delivery protocol [%s] does not support raw message delivery.", protocol)
		}
		return nil
	case attrFilterScope:
		if value != scopeAttributes && value != scopeBody {
			return invalid("FilterPolicyScope: Invalid value [%s]. Please use either MessageBody or MessageAttributes", value)
		}
		return nil
	case attrFilterPolicy, attrRedrive:
		return nil // checked together with the others
	case attrDeliveryPolicy:
		if value != "" && !isHTTP(protocol) {
			return invalid("Delivery protocol [%s] does not support specifying a delivery policy.", protocol)
		}
		_, err := parseSubscriptionDelivery(value)
		return err
	case "ReplayPolicy", "ReplayStatus":
		return lambda.Errorf(lambda.CodeNotImplemented, "Hearth keeps no archive of messages to replay.")
	}
	return invalid("AttributeName")
}

// attributes are a subscription's, as GetSubscriptionAttributes shows them.
func (s *subscription) attributes() map[string]string {
	out := map[string]string{
		"SubscriptionArn": s.arn, "TopicArn": s.topic.arn, "Protocol": s.record.Protocol, "Endpoint": s.shownEndpoint(),
		"Owner": s.record.Owner, "SubscriptionPrincipal": s.record.Principal, attrRaw: strconv.FormatBool(s.raw()),
		"PendingConfirmation":          strconv.FormatBool(s.record.Pending),
		"ConfirmationWasAuthenticated": strconv.FormatBool(s.record.Authenticated),
	}
	for _, name := range []string{attrFilterPolicy, attrRedrive, attrDeliveryPolicy} {
		if v := s.record.Attributes[name]; v != "" {
			out[name] = v
		}
	}
	if s.filter != nil {
		out[attrFilterScope] = scopeAttributes
	}
	if v := s.record.Attributes[attrFilterScope]; v != "" {
		out[attrFilterScope] = v
	}
	if isHTTP(s.record.Protocol) {
		out["EffectiveDeliveryPolicy"] = encodeJSON(s.deliveryPolicy())
	}
	return out
}

// shownEndpoint hides the password of a URL, as AWS does.
func (s *subscription) shownEndpoint() string {
	if u, err := url.Parse(s.record.Endpoint); err == nil && isHTTP(s.record.Protocol) && u.User != nil {
		if password, ok := u.User.Password(); ok {
			return strings.Replace(s.record.Endpoint, ":"+password+"@", ":****@", 1)
		}
	}
	return s.record.Endpoint
}

// mine finds a subscription that its owner or its topic's owner asks for.
func (s *Service) mine(ctx context.Context, arn *string) (*subscription, error) {
	c := lambda.CallerFrom(ctx)
	if err := checkSubscriptionARN(c, aws.ToString(arn)); err != nil {
		return nil, err
	}
	sub, err := s.subscription(aws.ToString(arn))
	if err != nil {
		return nil, err
	}
	if c.Account != sub.record.Owner && c.Account != sub.topic.account {
		return nil, errNotYours
	}
	return sub, nil
}

func (s *Service) getSubscriptionAttributes(ctx context.Context, in *awssns.GetSubscriptionAttributesInput) (*awssns.GetSubscriptionAttributesOutput, error) {
	sub, err := s.mine(ctx, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	return &awssns.GetSubscriptionAttributesOutput{Attributes: sub.attributes()}, nil
}

func (s *Service) setSubscriptionAttributes(ctx context.Context, in *awssns.SetSubscriptionAttributesInput) (*awssns.SetSubscriptionAttributesOutput, error) {
	sub, err := s.mine(ctx, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	name, value := aws.ToString(in.AttributeName), aws.ToString(in.AttributeValue)
	err = s.changeSubscription(ctx, sub.arn, func(now *subscription, rec *subscriptionRecord) error {
		if name == attrFilterPolicy && value != "" && now.filter == nil && s.filtersOf(now.topic) >= filtersMax {
			return errFilterLimit
		}
		rec.Attributes[name] = value
		return checkSubscription(now.topic, rec)
	})
	return &awssns.SetSubscriptionAttributesOutput{}, err
}

func (s *Service) filtersOf(t *topic) int {
	n := 0
	for _, sub := range s.subscriptionsOf(t) {
		if sub.filter != nil {
			n++
		}
	}
	return n
}

func (s *Service) listSubscriptions(ctx context.Context, in *awssns.ListSubscriptionsInput) (*awssns.ListSubscriptionsOutput, error) {
	c := lambda.CallerFrom(ctx)
	subs, next, err := s.subscriptionPage(in.NextToken, func(sub *subscription) bool {
		return sub.record.Owner == c.Account && sub.topic.region == c.Region
	})
	return &awssns.ListSubscriptionsOutput{Subscriptions: subs, NextToken: next}, err
}

func (s *Service) listSubscriptionsByTopic(ctx context.Context, in *awssns.ListSubscriptionsByTopicInput) (*awssns.ListSubscriptionsByTopicOutput, error) {
	k, err := checkTopicARN(lambda.CallerFrom(ctx), "TopicArn", aws.ToString(in.TopicArn))
	if err != nil {
		return nil, err
	}
	if _, err := s.topic(k.ARN()); err != nil {
		return nil, err
	}
	subs, next, err := s.subscriptionPage(in.NextToken, func(sub *subscription) bool { return sub.topic.topicKey == k })
	return &awssns.ListSubscriptionsByTopicOutput{Subscriptions: subs, NextToken: next}, err
}

func (s *Service) subscriptionPage(token *string, want func(*subscription) bool) ([]types.Subscription, *string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var arns []string
	for arn, sub := range s.index.subs {
		if sub.listed() && want(sub) {
			arns = append(arns, arn)
		}
	}
	page, next, err := pageOf(arns, token)
	if err != nil {
		return nil, nil, err
	}
	out := make([]types.Subscription, 0, len(page))
	for _, arn := range page {
		sub := s.index.subs[arn]
		shown := arn
		if sub.record.Pending {
			shown = pendingListedARN
		}
		out = append(out, types.Subscription{
			SubscriptionArn: aws.String(shown), TopicArn: aws.String(sub.topic.arn), Owner: aws.String(sub.record.Owner),
			Protocol: aws.String(sub.record.Protocol), Endpoint: aws.String(sub.shownEndpoint()),
		})
	}
	return out, next, nil
}

// confirmSubscription takes a token that the endpoint was sent; the token is the
// proof, so it may come without a signature.
func (s *Service) confirmSubscription(ctx context.Context, in *awssns.ConfirmSubscriptionInput) (*awssns.ConfirmSubscriptionOutput, error) {
	c := lambda.CallerFrom(ctx)
	signed := c.Kind != lambda.PrincipalAnonymous
	k, err := checkTopicARN(c, "TopicArn", aws.ToString(in.TopicArn))
	if err != nil {
		return nil, err
	}
	strict := strings.EqualFold(aws.ToString(in.AuthenticateOnUnsubscribe), "true")
	if signed {
		err = s.cfg.Authorizer.AuthorizeOperation(ctx, c, "sns:ConfirmSubscription", k.ARN(), in)
	} else if strict {
		err = errNotYours
	}
	if err != nil {
		return nil, err
	}
	t, err := s.topic(k.ARN())
	if err != nil {
		return nil, err
	}
	arn := ""
	for _, sub := range s.subscriptionsOf(t) {
		if sub.record.Token != "" && sub.record.Token == aws.ToString(in.Token) {
			arn = sub.arn
		}
	}
	err = s.changeSubscription(ctx, arn, func(sub *subscription, rec *subscriptionRecord) error {
		if sub.confirmed() {
			return nil // a token may be shown again
		}
		if rec.Expires <= s.cfg.Now().UnixMilli() {
			return errNoSubscription
		}
		rec.Pending, rec.Removed, rec.Authenticated, rec.Strict = false, false, signed, strict
		return nil
	})
	if err != nil {
		if errors.Is(err, errNoSubscription) {
			return nil, invalid("Token")
		}
		return nil, err
	}
	return &awssns.ConfirmSubscriptionOutput{SubscriptionArn: aws.String(arn)}, nil
}

// unsubscribe removes a subscription. The link in every message makes it without a
// signature; then the endpoint is told, and may take it back (API reference,
// Unsubscribe).
func (s *Service) unsubscribe(ctx context.Context, in *awssns.UnsubscribeInput) (*awssns.UnsubscribeOutput, error) {
	c := lambda.CallerFrom(ctx)
	out := &awssns.UnsubscribeOutput{}
	arn := aws.ToString(in.SubscriptionArn)
	if err := checkSubscriptionARN(c, arn); err != nil {
		return nil, err
	}
	signed := c.Kind != lambda.PrincipalAnonymous
	if signed {
		if err := s.cfg.Authorizer.AuthorizeOperation(ctx, c, "sns:Unsubscribe", "*", in); err != nil {
			return nil, err
		}
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	sub, err := s.subscription(arn)
	switch {
	case err != nil:
		return out, nil // it is gone already
	case signed && c.Account != sub.record.Owner && c.Account != sub.topic.account, !signed && sub.record.Strict:
		return nil, errNotYours
	case signed:
		return out, s.removeSubscription(ctx, sub)
	case sub.record.Pending:
		return nil, invalid("SubscriptionArn Reason: the subscription is pending confirmation")
	}
	removed := *sub
	removed.record.Removed = true
	_, err = s.askForConfirmation(ctx, &removed, typeUnsubscribeConfirmation)
	return out, err
}

// topicDeletion is what removes a topic and its subscriptions.
func (s *Service) topicDeletion(t *topic, subs []*subscription) []store.Change {
	changes := []store.Change{s.topics.DeleteChange(t.arn, 0)}
	for _, sub := range subs {
		changes = append(changes, s.subs.DeleteChange(sub.arn, 0))
	}
	return changes
}

// confirmURL is the link by which an endpoint confirms.
func (s *Service) confirmURL(sub *subscription, token string) string {
	return fmt.Sprintf("%s/?Action=ConfirmSubscription&TopicArn=%s&Token=%s", s.cfg.BaseURL, sub.topic.arn, token)
}

func (s *Service) unsubscribeURL(sub *subscription) string {
	return fmt.Sprintf("%s/?Action=Unsubscribe&SubscriptionArn=%s", s.cfg.BaseURL, sub.arn)
}
