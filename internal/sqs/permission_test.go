package sqs

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func (f *fixture) permit(url *string, label string, accounts, actions []string) error {
	_, err := f.AddPermission(f.ctx(), &sqs.AddPermissionInput{QueueUrl: url, Label: &label, AWSAccountIds: accounts, Actions: actions})
	return err
}

func (f *fixture) withdraw(url *string, label string) error {
	_, err := f.RemovePermission(f.ctx(), &sqs.RemovePermissionInput{QueueUrl: url, Label: &label})
	return err
}

func TestPermissionsAreStatementsOfThePolicy(t *testing.T) {
	f := newFixture(t)
	url := f.make("q")
	if _, _, ok := f.PolicyAt(arn("q")); ok {
		t.Error("a policy out of nothing")
	}
	if err := f.permit(url, "one", []string{other}, []string{"SendMessage"}); err != nil {
		t.Fatal(err)
	}
	want := `{"Version":"2008-10-17","Id":"` + arn("q") + `/SQSDefaultPolicy","Statement":[{"Sid":"one","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + other +
		`:root"},"Action":"SQS:SendMessage","Resource":"` + arn("q") + `"}]}`
	if got := f.attributes(url)["Policy"]; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	first, document, ok := f.PolicyAt(arn("q"))
	if !ok || document() != want {
		t.Errorf("identity sees %s", document())
	}
	if err := f.permit(url, "two", []string{other, account}, []string{"*", "ReceiveMessage"}); err != nil {
		t.Fatal(err)
	}
	if second, _, _ := f.PolicyAt(arn("q")); second == first {
		t.Error("another policy has the same revision")
	}
	wantError(t, f.permit(url, "two", []string{other}, []string{"*"}), "InvalidParameterValue", 400, "Value two for parameter Label is invalid. Reason: Already exists.")
	wantError(t, f.withdraw(url, "three"), "InvalidParameterValue", 400, "can't find label.")
	f.reopen()
	for _, label := range []string{"one", "two"} {
		if err := f.withdraw(url, label); err != nil {
			t.Error(err)
		}
	}
	if _, ok := f.attributes(url)["Policy"]; ok {
		t.Error("a policy without statements is left")
	}
}

func TestWhatAPermissionMayNotSay(t *testing.T) {
	f := newFixture(t)
	url := f.make("q")
	for _, c := range []struct {
		label             string
		accounts, actions []string
		code              string
		status            int
	}{
		{"a b", []string{other}, []string{"*"}, "InvalidParameterValue", 400},
		{strings.Repeat("l", 81), []string{other}, []string{"*"}, "InvalidParameterValue", 400},
		{"l", []string{"12"}, []string{"*"}, "InvalidParameterValue", 400},
		{"l", []string{other}, []string{"CreateQueue"}, "InvalidParameterValue", 400},
		{"l", []string{}, []string{"*"}, "MissingParameter", 400},
		{"l", []string{other}, []string{}, "MissingParameter", 400},
		{"", []string{other}, []string{"*"}, "MissingParameter", 400},
		{"l", []string{other}, grantable[1:9], "OverLimit", 403},
	} {
		wantError(t, f.permit(url, c.label, c.accounts, c.actions), c.code, c.status, "")
	}
	for i := range policyStatementsMax {
		if err := f.permit(url, fmt.Sprint(i), []string{other}, []string{"SendMessage"}); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, f.permit(url, "more", []string{other}, []string{"SendMessage"}), "OverLimit", 403, "21 Statements were found, maximum allowed is 20.")
}

func TestAPolicyOfOneStatementIsExtended(t *testing.T) {
	f := newFixture(t)
	url := f.make("q")
	one := `{"Version":"2012-10-17","Statement":{"Sid":"mine","Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"` + arn("q") +
		`","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:us-east-1:123456789012:t"}}}}`
	if err := f.set(url, "Policy", one); err != nil {
		t.Fatal(err)
	}
	if got := f.attributes(url)["Policy"]; got != one {
		t.Errorf("got %s", got)
	}
	if err := f.permit(url, "l", []string{other}, []string{"*"}); err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal([]byte(f.attributes(url)["Policy"]), &d); err != nil || len(d.Statement) != 2 || d.Version != "2012-10-17" || sidOf(d.Statement[0]) != "mine" {
		t.Errorf("got %+v, %v", d, err)
	}
	if err := f.set(url, "Policy", ""); err != nil || f.attributes(url)["Policy"] != "" {
		t.Error("still there", err)
	}
	wantError(t, f.withdraw(url, "mine"), "InvalidParameterValue", 400, "")
	_, err := f.RemovePermission(f.ctx(), &sqs.RemovePermissionInput{QueueUrl: url, Label: aws.String("")})
	wantError(t, err, "MissingParameter", 400, "Label")
}
