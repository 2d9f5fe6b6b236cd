package eventbridge

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/pattern"
)

// entriesMax bounds the entries of one request together, in bytes as AWS counts them
// (API reference, PutEvents: less than 1 MB). A delivery fits into a queue's message
// because a detail does.
const entriesMax = 1 << 20

// timeSize is what AWS counts for an entry that names its time.
const timeSize = 14

func (s *Service) putEvents(ctx context.Context, in *eb.PutEventsInput) (*eb.PutEventsOutput, error) {
	if in.EndpointId != nil {
		return nil, notServed("Global endpoints")
	}
	if err := s.mayPut(ctx, in); err != nil {
		return nil, err
	}
	size := 0
	for i := range in.Entries {
		size += entrySize(&in.Entries[i])
	}
	if size >= entriesMax {
		return nil, invalid("Total size of the entries in the request is over the limit.")
	}
	out := &eb.PutEventsOutput{Entries: make([]types.PutEventsResultEntry, len(in.Entries))}
	var plan plan
	for i := range in.Entries {
		k, h, detail, refused := s.readEntry(ctx, &in.Entries[i])
		if refused != nil {
			out.Entries[i] = *refused
			out.FailedEntryCount++
			continue
		}
		s.route(&plan, k, h, detail, nil)
		out.Entries[i] = types.PutEventsResultEntry{EventId: aws.String(h.ID)}
	}
	if err := s.carry(ctx, &plan); err != nil {
		return nil, err
	}
	return out, nil
}

// mayPut asks about each entry of several by itself: the edge asked about the first
// one's bus, and conditions on sources and types must hold of every entry.
func (s *Service) mayPut(ctx context.Context, in *eb.PutEventsInput) error {
	if len(in.Entries) < 2 {
		return nil
	}
	c := lambda.CallerFrom(ctx)
	type question struct {
		bus          busKey
		source, kind string
	}
	asked := map[question]bool{}
	for i := range in.Entries {
		e := &in.Entries[i]
		q := question{busNamed(c, e.EventBusName), aws.ToString(e.Source), aws.ToString(e.DetailType)}
		if asked[q] {
			continue
		}
		asked[q] = true
		alone := &eb.PutEventsInput{Entries: in.Entries[i : i+1]}
		if err := s.cfg.Authorizer.AuthorizeOperation(ctx, c, "events:PutEvents", q.bus.arn(), alone); err != nil {
			return err
		}
	}
	return nil
}

// entrySize is an entry's size as AWS counts it.
func entrySize(e *types.PutEventsRequestEntry) int {
	n := len(aws.ToString(e.Source)) + len(aws.ToString(e.DetailType)) + len(aws.ToString(e.Detail))
	for _, r := range e.Resources {
		n += len(r)
	}
	if e.Time != nil {
		n += timeSize
	}
	return n
}

// readEntry is an entry as an event, or what its part of the answer says when it is
// none.
func (s *Service) readEntry(ctx context.Context, e *types.PutEventsRequestEntry) (busKey, header, []byte, *types.PutEventsResultEntry) {
	c := lambda.CallerFrom(ctx)
	refuse := func(code, text string) (busKey, header, []byte, *types.PutEventsResultEntry) {
		return busKey{}, header{}, nil, &types.PutEventsResultEntry{ErrorCode: &code, ErrorMessage: &text}
	}
	for _, m := range []struct {
		name  string
		value *string
	}{{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail}} {
		if aws.ToString(m.value) == "" {
			return refuse("InvalidArgument", "Parameter "+m.name+" is not valid. Reason: "+m.name+" is a required argument.")
		}
	}
	// Sources of that name are AWS's services: here those of this installation.
	if strings.HasPrefix(*e.Source, "aws.") && c.Kind != lambda.PrincipalService {
		return refuse("NotAuthorizedForSourceException", "Not authorized for the source.")
	}
	detail, ok := compact(*e.Detail)
	if !ok {
		return refuse("MalformedDetail", "Detail is malformed.")
	}
	now := s.cfg.Now().UTC()
	k := busNamed(c, e.EventBusName)
	h := header{
		ID: newID(), DetailType: *e.DetailType, Source: *e.Source, Account: c.Account, Time: now, Region: k.region,
		Resources: e.Resources, TraceID: aws.ToString(e.TraceHeader), Ingested: now,
	}
	if e.Time != nil {
		h.Time = e.Time.UTC()
	}
	return k, h, detail, nil
}

func (s *Service) testEventPattern(_ context.Context, in *eb.TestEventPatternInput) (*eb.TestEventPatternOutput, error) {
	if err := checkPattern(in.EventPattern); err != nil {
		return nil, err
	}
	p, err := pattern.Parse(aws.ToString(in.EventPattern), pattern.EventBridge)
	if err != nil {
		return nil, err
	}
	text := []byte(aws.ToString(in.Event))
	ev, err := pattern.ParseEvent(text)
	if err != nil {
		return nil, invalid("Parameter Event is not valid. Reason: Event is not valid JSON.")
	}
	if name := missingMember(ev); name != "" {
		return nil, invalid("Parameter Event is not valid. Reason: %s is a required argument.", name)
	}
	return &eb.TestEventPatternOutput{Result: p.Match(ev)}, nil
}

// required are the members that TestEventPattern wants of an event, in the order in
// which AWS asks for them.
var required = []string{"id", "account", "source", "time", "region", "detail-type"}

// missingMember is the first of the required members that an event lacks.
func missingMember(ev *pattern.Event) string {
	for _, name := range required {
		p, err := pattern.Parse(`{"`+name+`":[{"exists":true}]}`, pattern.EventBridge)
		if err != nil || !p.Match(ev) {
			return name
		}
	}
	return ""
}
