package scheduler

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/schedule"
)

// defaultGroup is the group that is always there.
const defaultGroup = "default"

// groupRecord is a schedule group.
type groupRecord struct {
	Created  time.Time         `json:"created"`
	Modified time.Time         `json:"modified"`
	Tags     map[string]string `json:"tags,omitempty"`
	Token    string            `json:"token,omitempty"` // of the request that made it
	Deleting bool              `json:"deleting,omitempty"`
}

// scheduleRecord is a schedule and how far it has come.
type scheduleRecord struct {
	ID          string    `json:"id"` // another for each schedule of the same name
	Created     time.Time `json:"created"`
	Modified    time.Time `json:"modified"`
	Description *string   `json:"description,omitempty"`
	Expression  string    `json:"expression"`
	Timezone    string    `json:"timezone"`
	Start       time.Time `json:"start,omitzero"`
	End         time.Time `json:"end,omitzero"`
	// WindowMin is the flexible time window in minutes; 0 is off.
	WindowMin  int          `json:"window_min,omitempty"`
	KMSKey     *string      `json:"kms_key,omitempty"`
	Disabled   bool         `json:"disabled,omitempty"`
	DeleteDone bool         `json:"delete_done,omitempty"` // ActionAfterCompletion is DELETE
	Target     targetRecord `json:"target"`
	// Token and Asked are of the request that made it: the same request again gets the
	// same answer.
	Token string `json:"token,omitempty"`
	Asked string `json:"asked,omitempty"`

	// Anchor is where a rate counts from.
	Anchor time.Time `json:"anchor"`
	// Next is the moment that comes next; zero when there is none.
	Next time.Time `json:"next,omitzero"`
	// Ran says that the last moment has come and become an invocation.
	Ran bool `json:"ran,omitempty"`
}

type targetRecord struct {
	ARN        string  `json:"arn"`
	RoleARN    string  `json:"role_arn"`
	Input      *string `json:"input,omitempty"`
	DeadLetter *string `json:"dead_letter,omitempty"`
	AgeSec     int32   `json:"age_sec"`
	Retries    int32   `json:"retries"`
	GroupID    *string `json:"group_id,omitempty"`
	Source     *string `json:"source,omitempty"`
	DetailType *string `json:"detail_type,omitempty"`
}

// pendingRecord is an invocation that is to be made: it stands until the target took
// it or it was given up. It carries its target along, so that a change of the
// schedule is one of later invocations only.
type pendingRecord struct {
	Schedule   string       `json:"schedule"` // its key
	ScheduleID string       `json:"schedule_id"`
	Execution  string       `json:"execution"`
	Scheduled  time.Time    `json:"scheduled"`
	Begun      time.Time    `json:"begun"` // when its first attempt was due
	Due        time.Time    `json:"due"`   // when its next one is
	Attempts   int          `json:"attempts,omitempty"`
	Target     targetRecord `json:"target"`
}

// place is where records lie: an account and a region.
type place struct{ account, region string }

func placeOf(c lambda.Caller) place { return place{c.Account, c.Region} }

func (p place) prefix() string { return p.account + "/" + p.region + "/" }

func (p place) groupKey(group string) string { return p.prefix() + group }

func (p place) scheduleKey(group, name string) string { return p.prefix() + group + "/" + name }

func (p place) groupARN(group string) string {
	return "arn:aws:scheduler:" + p.region + ":" + p.account + ":schedule-group/" + group
}

func (p place) scheduleARN(group, name string) string {
	return "arn:aws:scheduler:" + p.region + ":" + p.account + ":schedule/" + group + "/" + name
}

// splitKey takes a schedule's key apart. No part can have a slash.
func splitKey(key string) (p place, group, name string) {
	f := strings.SplitN(key, "/", 4)
	return place{f[0], f[1]}, f[2], f[3]
}

// plan is the record's expression, which was checked when it was put.
func (r *scheduleRecord) plan() (*schedule.Schedule, error) {
	return schedule.Parse(r.Expression, r.Timezone)
}

func (r *scheduleRecord) state() types.ScheduleState {
	if r.Disabled {
		return types.ScheduleStateDisabled
	}
	return types.ScheduleStateEnabled
}
