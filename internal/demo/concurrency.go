package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/harness"
	"github.com/hearthfaas/hearth/internal/reportline"
)

// together is how many calls come at the same time where the demo shows that.
const together = 8

// outsideTheHandler shows what is kept between calls: a value, a connection.
func (d *demo) outsideTheHandler(ctx context.Context) error {
	d.p.title("Code outside the handler runs once for each environment")
	if d.has("random-outside") {
		one := d.parallel(ctx, 1, "random-outside", `{}`)
		again := d.parallel(ctx, 1, "random-outside", `{}`)
		d.p.text("called      %s", one[0])
		d.p.text("and again   %s", again[0])
		d.check(member(one[0].Payload, "environment") == member(again[0].Payload, "environment"), "a value drawn outside the handler is the same on the next warm call")
		many := d.parallel(ctx, 3, "random-outside", `{"sleep_ms":1000}`)
		for _, a := range many {
			d.p.text("at the same time   %s", a)
		}
		d.check(distinct(many, "environment") == 3, "three calls at the same time have three environments, and three values")
	}
	if !d.has("database-outside") {
		return nil
	}
	answers := append(d.parallel(ctx, 1, "database-outside", `{"item":"lamp"}`), d.parallel(ctx, 1, "database-outside", `{"item":"chair"}`)...)
	for _, a := range answers {
		d.p.text("database    %s", a)
	}
	d.check(member(answers[1].Payload, "connections_opened") == "1", "the database saw one connection, however many calls")
	return nil
}

// concurrency shows one environment for calls in a row and one each for calls at
// the same time.
func (d *demo) concurrency(ctx context.Context) error {
	if !d.has("slow") {
		return nil
	}
	d.p.title("%d calls of a second at the same time", together)
	start := time.Now()
	first := d.parallel(ctx, together, "slow", `{"sleep_ms":1000}`)
	took := time.Since(start)
	start = time.Now()
	second := d.parallel(ctx, together, "slow", `{"sleep_ms":1000}`)
	again := time.Since(start)
	d.p.text("answered after %d ms with %d cold starts; once more after %d ms with %d",
		took.Milliseconds(), colds(first), again.Milliseconds(), colds(second))
	d.check(distinct(first, "environment") == together, "each call had an environment of its own")
	d.check(distinct(second, "environment") == together && colds(second) == 0, "the environments were kept warm for the next %d calls", together)
	return nil
}

// limit shows that a concurrency limit is never exceeded and what a caller sees.
func (d *demo) limit(ctx context.Context) error {
	if !d.has("slow") {
		return nil
	}
	d.p.title("A concurrency limit of 2, and %d calls at the same time", together)
	_, err := d.lambda.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{
		FunctionName: aws.String("slow"), ReservedConcurrentExecutions: aws.Int32(2),
	})
	if err != nil {
		return fmt.Errorf("limit the concurrency: %w", err)
	}
	answers := d.parallel(ctx, together, "slow", `{"sleep_ms":200}`)
	served, throttled := 0, 0
	for _, a := range answers {
		var throttle *types.TooManyRequestsException
		switch {
		case errors.As(a.err, &throttle):
			if throttled == 0 {
				d.p.text("429 %s %s", aws.ToString(throttle.Message), throttle.Reason)
			}
			throttled++
		case a.err == nil && a.Error == "":
			served++
		}
	}
	d.check(served == 2 && throttled == together-2, "%d calls were served and %d throttled", served, throttled)
	_, err = d.lambda.DeleteFunctionConcurrency(ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: aws.String("slow")})
	if err != nil {
		return fmt.Errorf("lift the limit: %w", err)
	}
	return nil
}

// answered is an answer, or why there is none.
type answered struct {
	harness.Answer
	err error
}

// String is the payload, or the error.
func (a answered) String() string {
	if a.err != nil {
		return a.err.Error()
	}
	return a.Payload
}

// parallel calls a function n times at once and waits for all answers.
func (d *demo) parallel(ctx context.Context, n int, name, payload string) []answered {
	answers := make([]answered, n)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i].Answer, answers[i].err = harness.Invoke(ctx, d.lambda, name, payload) })
	}
	wg.Wait()
	return answers
}

// member is one member of a JSON object, as text.
func member(object, name string) string {
	var doc map[string]json.RawMessage
	if json.Unmarshal([]byte(object), &doc) != nil {
		return ""
	}
	return strings.Trim(string(doc[name]), `"`)
}

// distinct counts the different values that a member has.
func distinct(answers []answered, name string) int {
	values := map[string]bool{}
	for _, a := range answers {
		if v := member(a.Payload, name); v != "" {
			values[v] = true
		}
	}
	return len(values)
}

// colds counts the answers that waited for a new environment.
func colds(answers []answered) int {
	n := 0
	for _, a := range answers {
		if r, ok := reportline.Last(a.Tail); ok && r.Cold() {
			n++
		}
	}
	return n
}
