package compat

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/hearthfaas/hearth/internal/harness"
)

// TestTerraformManagesSchedules goes through a configuration with a group and
// schedules: after an apply there is nothing left to change, and a destroy leaves
// nothing.
func TestTerraformManagesSchedules(t *testing.T) {
	t.Parallel()
	h := up(t)
	terraformRoundTrip(t, h, "testdata/terraform_scheduler/main.tf")
	client := scheduler.NewFromConfig(h.AWS())
	schedules, err := client.ListSchedules(t.Context(), &scheduler.ListSchedulesInput{})
	if err != nil || len(schedules.Schedules) != 0 {
		t.Errorf("after destroy there are %d schedules, %v", len(schedules.Schedules), err)
	}
	groups, err := client.ListScheduleGroups(t.Context(), &scheduler.ListScheduleGroupsInput{})
	if err != nil || len(groups.ScheduleGroups) != 1 {
		t.Errorf("after destroy there are %d groups, %v; want the default one", len(groups.ScheduleGroups), err)
	}
}

// TestTerraformManagesWhereEventsGo does the same with a function's destinations and
// a bucket's notifications.
func TestTerraformManagesWhereEventsGo(t *testing.T) {
	t.Parallel()
	h := up(t)
	zip := filepath.Join(t.TempDir(), "function.zip")
	writeZip(t, zip, "index.js", `exports.handler = async () => {};`)
	terraformRoundTrip(t, h, "testdata/terraform_destinations/main.tf", "-var=package="+zip)
}

// terraformRoundTrip applies a configuration, plans nothing, changes its variable
// minutes, plans nothing again, and destroys it.
func terraformRoundTrip(t *testing.T, h *harness.Hearth, config string, vars ...string) {
	t.Helper()
	_, tf := workspaceFor(t, h, config)
	tf(0, "init", "-input=false", "-no-color")
	for _, step := range []struct {
		want int
		args []string
	}{
		{0, []string{"apply", "-auto-approve"}},
		{planEmpty, []string{"plan", "-detailed-exitcode"}},
		{planChanges, []string{"plan", "-detailed-exitcode", "-var=minutes=7"}},
		{0, []string{"apply", "-auto-approve", "-var=minutes=7"}},
		{planEmpty, []string{"plan", "-detailed-exitcode", "-var=minutes=7"}},
		{0, []string{"destroy", "-auto-approve", "-var=minutes=7"}},
	} {
		tf(step.want, append(append(step.args, "-input=false", "-no-color"), vars...)...)
	}
}

// TestBoto3Schedules runs testdata/scheduler_check.py, which asserts for itself.
func TestBoto3Schedules(t *testing.T) {
	t.Parallel()
	python := findTool(t, "python3 with boto3", func(path string) bool { return exec.Command(path, "-c", "import boto3").Run() == nil },
		"/root/.pyenv/versions/*/bin/python3", "/usr/bin/python3", "/usr/local/bin/python3")
	h := up(t)
	script, err := filepath.Abs("testdata/scheduler_check.py")
	if err != nil {
		t.Fatal(err)
	}
	out, code := command(t, t.TempDir(), environ(h), python, script)
	if code != 0 || !strings.Contains(out, "all checks passed") {
		t.Errorf("exit code %d", code)
	}
}

// TestTheAWSCommandLineSchedules follows the user guide's first steps.
func TestTheAWSCommandLineSchedules(t *testing.T) {
	t.Parallel()
	aws := findTool(t, "aws", func(path string) bool { return exec.Command(path, "--version").Run() == nil }, "/root/.pyenv/versions/*/bin/aws")
	h := up(t)
	run := func(args ...string) string {
		t.Helper()
		out, code := command(t, t.TempDir(), environ(h, "AWS_PAGER="), aws, append(args, "--endpoint-url", h.Endpoint, "--output", "text")...)
		if code != 0 {
			t.FailNow()
		}
		return strings.TrimSpace(out)
	}
	role := run("iam", "create-role", "--role-name", "scheduler", "--query", "Role.Arn", "--assume-role-policy-document",
		strings.Replace(trust, "lambda.amazonaws.com", "scheduler.amazonaws.com", 1))
	run("iam", "put-role-policy", "--role-name", "scheduler", "--policy-name", "send", "--policy-document",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}]}`)
	url := run("sqs", "create-queue", "--queue-name", "target", "--query", "QueueUrl")
	arn := run("scheduler", "create-schedule", "--name", "minutely", "--schedule-expression", "rate(1 minutes)",
		"--flexible-time-window", "Mode=OFF", "--query", "ScheduleArn",
		"--target", `{"RoleArn":"`+role+`","Arn":"arn:aws:sqs:us-east-1:000000000000:target","Input":"hello from the schedule"}`)
	if want := "arn:aws:scheduler:us-east-1:000000000000:schedule/default/minutely"; arn != want {
		t.Errorf("ARN %q, want %q", arn, want)
	}
	if got := run("sqs", "receive-message", "--queue-url", url, "--wait-time-seconds", "10", "--query", "Messages[].Body"); got != "hello from the schedule" {
		t.Errorf("the queue got %q", got)
	}
	if got := run("scheduler", "list-schedules", "--query", "Schedules[].[GroupName,Name,State,Target.Arn]"); got != "default\tminutely\tENABLED\tarn:aws:sqs:us-east-1:000000000000:target" {
		t.Errorf("the list shows %q", got)
	}
	run("scheduler", "delete-schedule", "--name", "minutely")
	if got := run("scheduler", "list-schedules", "--query", "Schedules[].Name"); got != "" {
		t.Errorf("after the deletion the list shows %q", got)
	}
}
