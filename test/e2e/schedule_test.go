package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

// schedulerRole is a role that Scheduler may take, with one inline policy.
func schedulerRole(t *testing.T, h *hearth, name, policy string) string {
	t.Helper()
	c := iam.NewFromConfig(h.aws)
	made, err := c.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"000000000000"}}}]}`)})
	if err == nil {
		_, err = c.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("own"), PolicyDocument: &policy})
	}
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(made.Role.Arn)
}

func (h *hearth) schedule(t *testing.T, name, expression string, target *types.Target) {
	t.Helper()
	_, err := scheduler.NewFromConfig(h.aws).CreateSchedule(t.Context(), &scheduler.CreateScheduleInput{
		Name: &name, ScheduleExpression: &expression, Target: target, FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Goal: a schedule runs a function again and again, as its role and with its input,
// by the templated target and by the universal one.
func TestRootAScheduleRunsAFunction(t *testing.T) {
	h := up(t, "time_scale: 60\n")
	role := schedulerRole(t, h, "scheduler", allow("lambda:InvokeFunction", "arn:aws:lambda:"+here+"function:tick"))
	h.function(t, "tick", `exports.handler = async (e) => { console.log("TICK " + JSON.stringify(e)) }`)
	h.schedule(t, "minutely", "rate(1 minute)", &types.Target{
		Arn: aws.String("arn:aws:lambda:" + here + "function:tick"), RoleArn: &role,
		Input: aws.String(`{"by":"<aws.scheduler.schedule-arn>","at":"<aws.scheduler.scheduled-time>"}`),
	})
	h.schedule(t, "universal", "rate(1 day)", &types.Target{
		Arn: aws.String("arn:aws:scheduler:::aws-sdk:lambda:invoke"), RoleArn: &role,
		Input: aws.String(`{"FunctionName":"tick","InvocationType":"Event","Payload":"{\"by\":\"hand\"}"}`),
	})
	eventually(t, 20*time.Second, "it has run three times, and once by hand", func() bool {
		return len(h.logLines(t, "tick", `{"by":"arn:aws:scheduler:`+here+`schedule/default/minutely","at":"2`)) >= 3 &&
			len(h.logLines(t, "tick", `{"by":"hand"}`)) == 1
	})
}

// Goal: what a role does not permit is not done, and lies in the dead-letter queue
// with AWS's account of why.
func TestRootAScheduleWhoseRoleMayNotLeavesADeadLetter(t *testing.T) {
	h := up(t, "")
	role := schedulerRole(t, h, "scheduler", allow("sqs:SendMessage", "arn:aws:sqs:"+here+"dead"))
	dead := h.mailbox(t, "dead", nil)
	h.mailbox(t, "target", nil)
	h.schedule(t, "forbidden", "rate(1 day)", &types.Target{
		Arn: aws.String("arn:aws:sqs:" + here + "target"), RoleArn: &role, Input: aws.String("hello"),
		DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String("arn:aws:sqs:" + here + "dead")},
	})
	m := h.mail(t, dead, 1)[0]
	if *m.Body != "hello" {
		t.Errorf("the letter is %q", *m.Body)
	}
	got := map[string]string{}
	for name, v := range m.MessageAttributes {
		got[name] = aws.ToString(v.StringValue)
	}
	if got["ERROR_CODE"] != "AccessDeniedException" || !strings.Contains(got["ERROR_MESSAGE"], "is not authorized to perform: sqs:SendMessage") ||
		got["RETRY_ATTEMPTS"] != "0" || got["SCHEDULE_ARN"] != "arn:aws:scheduler:"+here+"schedule/default/forbidden" ||
		got["TARGET_ARN"] != "arn:aws:sqs:"+here+"target" || got["IS_PAYLOAD_TRUNCATED"] != "false" || len(got["EXECUTION_ID"]) != 16 {
		t.Errorf("the letter's attributes are %v", got)
	}
}

// Goal: a universal target that is not there is a dead letter at once, as AWS's user
// guide shows it.
func TestRootAScheduleOfAQueueThatIsNotThereLeavesADeadLetter(t *testing.T) {
	h := up(t, "")
	role := schedulerRole(t, h, "scheduler", allow("sqs:SendMessage", "*"))
	dead := h.mailbox(t, "dead", nil)
	body := `{"MessageBody":"Hello, world!","QueueUrl":"` + strings.Replace(dead, "/dead", "/does-not-exist", 1) + `"}`
	h.schedule(t, "lost", "rate(1 day)", &types.Target{
		Arn: aws.String("arn:aws:scheduler:::aws-sdk:sqs:sendMessage"), RoleArn: &role, Input: &body,
		DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String("arn:aws:sqs:" + here + "dead")},
	})
	m := h.mail(t, dead, 1)[0]
	if code := aws.ToString(m.MessageAttributes["ERROR_CODE"].StringValue); *m.Body != body || code != "AWS.SimpleQueueService.NonExistentQueue" {
		t.Errorf("the letter is %q, its code %s", *m.Body, code)
	}
}

// Goal: a moment that passes while Hearth is down is run at the next start, once.
func TestRootAScheduleIsRunAfterKillNine(t *testing.T) {
	needRoot(t)
	dir := dataDir(t)
	h := start(t, harness.Options{DataDir: dir})
	role := schedulerRole(t, h, "scheduler", allow("sqs:SendMessage", "*"))
	h.mailbox(t, "target", nil)
	h.schedule(t, "once", "at("+time.Now().UTC().Add(2*time.Second).Format("2006-01-02T15:04:05")+")", &types.Target{
		Arn: aws.String("arn:aws:sqs:" + here + "target"), RoleArn: &role, Input: aws.String(`{"on":"time"}`),
	})
	if err := h.Kill(); err != nil {
		t.Fatal(err)
	}
	<-time.After(3 * time.Second)
	again := start(t, harness.Options{DataDir: dir})
	defer func() {
		if err := again.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	}()
	url := again.mailbox(t, "target", nil)
	m := again.mail(t, url, 1)
	if len(m) != 1 || !json.Valid([]byte(*m[0].Body)) {
		t.Errorf("%d messages", len(m))
	}
}
