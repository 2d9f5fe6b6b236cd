package scheduler

import (
	"encoding/json"
	"strconv"
	"strings"
)

// body is what the target reads: the schedule's input with the attributes of this
// invocation in place of their names, or a notification of Scheduler's own.
func (c *pendingRecord) body(p place, arn string) []byte {
	if c.Target.Input == nil {
		return c.notification(p, arn)
	}
	return []byte(strings.NewReplacer(
		"<aws.scheduler.schedule-arn>", arn,
		"<aws.scheduler.scheduled-time>", stamp(c.Scheduled),
		"<aws.scheduler.execution-id>", c.Execution,
		"<aws.scheduler.attempt-number>", strconv.Itoa(c.Attempts+1),
	).Replace(*c.Target.Input))
}

// notification is what targets read of schedules without an input, as AWS sends it:
// its detail is a string.
func (c *pendingRecord) notification(p place, arn string) []byte {
	text, err := json.Marshal(struct {
		Version    string   `json:"version"`
		ID         string   `json:"id"`
		DetailType string   `json:"detail-type"`
		Source     string   `json:"source"`
		Account    string   `json:"account"`
		Time       string   `json:"time"`
		Region     string   `json:"region"`
		Resources  []string `json:"resources"`
		Detail     string   `json:"detail"`
	}{"0", c.Execution, "Scheduled Event", "aws.scheduler", p.account, stamp(c.Scheduled), p.region, []string{arn}, "{}"})
	if err != nil {
		panic("scheduler: a notification has no JSON form: " + err.Error())
	}
	return text
}
