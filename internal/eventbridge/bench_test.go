package eventbridge

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// BenchmarkPutEvents accepts events of ten entries on a bus with so many rules, one
// of which each entry meets, from many callers: what is measured is on disk and
// delivered. The record is in memory, the queues are files.
func BenchmarkPutEvents(b *testing.B) {
	for _, rules := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint("rules=", rules), func(b *testing.B) {
			f := open(b)
			var delivered atomic.Int64
			f.targets.answer = func(Delivery) error {
				delivered.Add(1)
				return fmt.Errorf("remembered by nobody: %w", &Failure{Final: true})
			}
			for i := range rules {
				source := "shop"
				if i > 0 {
					source = fmt.Sprint("other", i)
				}
				r, err := newRule(ruleRecord{
					Account: account, Region: region, Bus: defaultBus, Name: fmt.Sprint("r", i), State: stateEnabled,
					Pattern: fmt.Sprintf(`{"source":[%q],"detail-type":["T"]}`, source), Targets: []targetRecord{{ID: "t", ARN: functionARN}},
				})
				if err != nil {
					b.Fatal(err)
				}
				f.mu.Lock()
				f.index.grow(r.bus).put(r)
				f.mu.Unlock()
			}
			entries := make([]types.PutEventsRequestEntry, 10)
			for i := range entries {
				entries[i] = types.PutEventsRequestEntry{Source: aws.String("shop"), DetailType: aws.String("T"), Detail: aws.String(`{"customer":"c17","total":121.5}`)}
			}
			b.SetParallelism(16)
			start := time.Now()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := f.putEvents(ctx(), &eb.PutEventsInput{Entries: entries}); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N*len(entries))/time.Since(start).Seconds(), "events/s")
			for delivered.Load() < int64(b.N*len(entries)) {
				time.Sleep(time.Millisecond)
			}
			b.ReportMetric(float64(b.N*len(entries))/time.Since(start).Seconds(), "delivered/s")
		})
	}
}
