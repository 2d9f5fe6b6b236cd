package asyncinvoke

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
)

// Targets takes what events leave behind to where it is to go (node meets it).
type Targets interface {
	// Deliver hands a message over with the permissions of the function's role. What
	// cannot be delivered is lost, as on AWS.
	Deliver(ctx context.Context, d Delivery) error
}

// Delivery is one message for a destination or a dead-letter queue.
type Delivery struct {
	ARN      string // where to
	Function lambda.FunctionID
	RoleARN  string // the execution role, in whose name it is delivered
	TraceID  string
	// FunctionARN is the function as it was invoked, with its qualifier.
	FunctionARN string
	RequestID   lambda.RequestID
	Condition   Condition
	At          time.Time
	// Body is the record of the invocation, or for a dead-letter queue the event.
	Body []byte
	// DeadLetter says that ARN is a dead-letter queue; Attributes are then the
	// message's, by name.
	DeadLetter bool
	Attributes map[string]Attribute
}

// Attribute is a message attribute of SQS and SNS.
type Attribute struct{ Type, Value string }

// ObjectKey is the key of the record in a bucket.
func (d *Delivery) ObjectKey() string {
	at := d.At.UTC()
	return "aws/lambda/async/" + d.Function.Name + at.Format("/2006/01/02/2006-01-02T15.04.05-") + string(d.RequestID)
}

// end ends an event: whoever is to know is told, then the event goes.
func (d *Dispatcher) end(ctx context.Context, name queue.Name, m *queue.Message, t *Target, e *ending) {
	to := t.OnFailure
	if e.condition == Success {
		to = t.OnSuccess
	} else {
		d.tally.add(e.function, func(c *Counts) { c.Dropped++ })
		if t.DeadLetter != "" {
			d.deliver(ctx, t, e, t.DeadLetter, true)
		}
	}
	if to != "" {
		d.deliver(ctx, t, e, to, false)
	}
	d.remove(ctx, name, m)
}

func (d *Dispatcher) deliver(ctx context.Context, t *Target, e *ending, arn string, deadLetter bool) {
	out := Delivery{
		ARN: arn, Function: e.function, RoleARN: t.Version.RoleARN, TraceID: e.envelope.TraceID, DeadLetter: deadLetter,
		FunctionARN: e.functionARN(), RequestID: e.envelope.RequestID, Condition: e.condition, At: d.cfg.Now(),
	}
	var err error
	if deadLetter {
		out.Body, out.Attributes = e.payload, e.deadLetterAttributes()
	} else {
		out.Body, err = e.record(out.At)
	}
	if err == nil {
		err = d.cfg.Targets.Deliver(ctx, out)
	}
	if err == nil {
		return
	}
	d.cfg.Log.WarnContext(ctx, "an event's end could not be delivered",
		"request_id", e.envelope.RequestID, "function", e.function.Name, "target", arn, "error", err)
	d.tally.add(e.function, func(c *Counts) {
		if deadLetter {
			c.DeadLetterErrors++
		} else {
			c.DestinationDeliveryFailures++
		}
	})
}

// deadLetterAttributes are what a dead letter says beside the event (Lambda
// developer guide, "Adding a dead-letter queue"). Queues and topics take no attribute
// that is empty.
func (e *ending) deadLetterAttributes() map[string]Attribute {
	out := map[string]Attribute{
		"RequestID": {"String", string(e.envelope.RequestID)},
		"ErrorCode": {"Number", strconv.Itoa(e.envelope.Code)},
	}
	if text := strings.Map(printable, e.envelope.Message); text != "" {
		out["ErrorMessage"] = Attribute{"String", text}
	}
	return out
}

// printable leaves out what no message of SQS may contain (SQS API reference,
// SendMessage).
func printable(r rune) rune {
	if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
		return -1
	}
	return r
}

// drop removes an event that nobody can be told of.
func (d *Dispatcher) drop(ctx context.Context, name queue.Name, m *queue.Message) {
	d.tally.add(functionOf(name), func(c *Counts) { c.Dropped++ })
	d.remove(ctx, name, m)
}

func (d *Dispatcher) remove(ctx context.Context, name queue.Name, m *queue.Message) {
	errs, err := d.cfg.Queue.Remove(ctx, name, m.Receipt)
	if err == nil {
		err = errs[0]
	}
	if err != nil { // it runs again when it is due, or after the next start
		d.cfg.Log.ErrorContext(ctx, "removing an event that has ended", "function", name.Name, "error", err)
	}
}

func (d *Dispatcher) putBack(ctx context.Context, name queue.Name, m *queue.Message, v *envelope, delay time.Duration) {
	attributes, err := v.attributes()
	if err == nil {
		err = d.cfg.Queue.Return(ctx, name, m.Receipt, delay, attributes)
	}
	if err != nil {
		d.cfg.Log.ErrorContext(ctx, "putting an event back", "request_id", v.RequestID, "function", name.Name, "error", err)
	}
	d.tally.add(functionOf(name), func(c *Counts) { c.Retried++ })
}
