package streams

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/hearthfaas/hearth/internal/eventsource"
)

// failure is what a destination reads of a batch that was given up. It has positions
// and no payload; a bucket gets the records besides.
type failure struct {
	Request  failureRequest   `json:"requestContext"`
	Response *failureResponse `json:"responseContext,omitempty"`
	Version  string           `json:"version"`
	Time     string           `json:"timestamp"`
}

type failureRequest struct {
	RequestID   string `json:"requestId"`
	FunctionARN string `json:"functionArn"`
	Condition   string `json:"condition"`
	Invokes     int    `json:"approximateInvokeCount"`
}

type failureResponse struct {
	StatusCode      int     `json:"statusCode"`
	ExecutedVersion string  `json:"executedVersion"`
	FunctionError   *string `json:"functionError"` // null when the function reported parts
}

type batchInfo struct {
	ShardID   string `json:"shardId"`
	Start     string `json:"startSequenceNumber"`
	End       string `json:"endSequenceNumber"`
	First     string `json:"approximateArrivalOfFirstRecord"`
	Last      string `json:"approximateArrivalOfLastRecord"`
	Size      int    `json:"batchSize"`
	StreamARN string `json:"streamArn"`
}

// timeLayout is that of timestamps in records of Lambda.
const timeLayout = "2006-01-02T15:04:05.000Z"

// deliveries is how often a destination is tried before a batch is lost.
const deliveries = 3

// giveUp tells the mapping's destination, if it has one, of records that are dropped.
// t is the last attempt, nil when age is the reason.
func (r *reader) giveUp(ctx context.Context, s *step, t *attempted) {
	r.count(eventsource.MetricDropped, len(s.dropped))
	to := r.m.Settings.OnFailure
	if to == "" || len(s.dropped) == 0 {
		return
	}
	alive := context.WithoutCancel(ctx)
	body, key, err := r.failure(s, t, time.Now().UTC(), strings.HasPrefix(to, "arn:aws:s3:"))
	for try := 0; err == nil; try++ {
		_, as, failed := r.as(alive)
		if failed == nil {
			failed = r.cfg.Destinations.Deliver(alive, as, to, key, body)
		}
		if failed == nil {
			r.count(eventsource.MetricDelivered, len(s.dropped))
			return
		}
		if try+1 == deliveries || ctx.Err() != nil {
			err = failed
			break
		}
		rest(ctx, backOff(try, retryMin, retryMax))
	}
	r.cfg.Metrics.DeliveryFailed(r.m)
	r.cfg.Log.WarnContext(alive, "a failed batch did not reach its destination", "mapping", r.m.UUID, "destination", to, "error", err)
}

// failure is the record of dropped records, and where a bucket keeps it.
func (r *reader) failure(s *step, t *attempted, now time.Time, payload bool) (body []byte, key string, err error) {
	format := r.cfg.Streams.Format()
	first, last := s.dropped[0], s.dropped[len(s.dropped)-1]
	head := failure{
		Request: failureRequest{FunctionARN: r.m.Function.ARN(), Condition: s.why, Invokes: s.tries},
		Version: "1.0", Time: now.Format(timeLayout),
	}
	if t != nil {
		head.Request.RequestID = string(t.requestID)
		head.Response = &failureResponse{StatusCode: 200, ExecutedVersion: t.version}
		if t.result.FunctionError != "" {
			head.Response.FunctionError = &t.result.FunctionError
		}
	}
	info := batchInfo{
		ShardID: r.shard, Start: first.Sequence, End: last.Sequence,
		First: first.Arrived.UTC().Format(format.TimeLayout), Last: last.Arrived.UTC().Format(format.TimeLayout),
		Size: len(s.dropped), StreamARN: r.m.SourceARN,
	}
	text, err := json.Marshal(head)
	if err != nil {
		return nil, "", err
	}
	where, err := json.Marshal(info)
	if err != nil {
		return nil, "", err
	}
	body = append(text[:len(text)-1], fmt.Sprintf(`,%q:%s`, format.BatchInfo, where)...)
	if payload {
		event, err := r.event(s.dropped, nil, false)
		if err != nil {
			return nil, "", err
		}
		body = append(append(body, `,"payload":`...), event...)
	}
	key = fmt.Sprintf("aws/lambda/%s/%s/%s/%s-%s", r.m.UUID, r.shard, now.Format("2006/01/02"), now.Format("2006-01-02T15.04.05"), uuid.NewString())
	return append(body, '}'), key, nil
}
