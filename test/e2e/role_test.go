package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/harness"
)

// caller is a function that makes a signed call with the credentials of its role: an
// event names service, content type, target and body, the answer is status and body.
// It needs no SDK.
const caller = `
const crypto = require("crypto"), http = require("http");
const hmac = (key, text) => crypto.createHmac("sha256", key).update(text).digest();
const hash = (text) => crypto.createHash("sha256").update(text).digest("hex");
exports.handler = async (event) => {
  const url = new URL(process.env.AWS_ENDPOINT_URL), region = process.env.AWS_REGION;
  const stamp = new Date().toISOString().replace(/[-:]|\.\d{3}/g, ""), day = stamp.slice(0, 8);
  const headers = { "content-type": event.type, host: url.host, "x-amz-date": stamp, "x-amz-security-token": process.env.AWS_SESSION_TOKEN };
  if (event.target) headers["x-amz-target"] = event.target;
  const names = Object.keys(headers).sort();
  const canonical = ["POST", "/", "", ...names.map((n) => n + ":" + headers[n]), "", names.join(";"), hash(event.body)].join("\n");
  const scope = [day, region, event.service, "aws4_request"].join("/");
  const text = ["AWS4-HMAC-SHA256", stamp, scope, hash(canonical)].join("\n");
  let key = "AWS4" + process.env.AWS_SECRET_ACCESS_KEY;
  for (const part of scope.split("/")) key = hmac(key, part);
  headers.authorization = "AWS4-HMAC-SHA256 Credential=" + process.env.AWS_ACCESS_KEY_ID + "/" + scope +
    ", SignedHeaders=" + names.join(";") + ", Signature=" + hmac(key, text).toString("hex");
  return new Promise((resolve, reject) => {
    const req = http.request(url, { method: "POST", headers }, (res) => {
      let body = "";
      res.on("data", (d) => (body += d)).on("end", () => resolve({ status: res.statusCode, body }));
    });
    req.on("error", reject).end(event.body);
  });
};`

// called is what the function caller answers.
type called struct {
	Status int
	Body   string
}

func (h *hearth) call(t *testing.T, function string, event map[string]string) called {
	t.Helper()
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	var got called
	if answer := h.answers(t, function, string(text)); json.Unmarshal([]byte(answer), &got) != nil {
		t.Fatalf("%s answered %s", function, answer)
	}
	return got
}

func identityCall() map[string]string {
	return map[string]string{"service": "sts", "type": "application/x-www-form-urlencoded; charset=utf-8", "body": "Action=GetCallerIdentity&Version=2011-06-15"}
}

func logsCall(operation, body string) map[string]string {
	return map[string]string{"service": "logs", "type": "application/x-amz-json-1.1", "target": "Logs_20140328." + operation, "body": body}
}

func tableCall(operation, body string) map[string]string {
	return map[string]string{"service": "dynamodb", "type": "application/x-amz-json-1.0", "target": "DynamoDB_20120810." + operation, "body": body}
}

// role makes a role that Lambda may assume, with one inline policy.
func (h *hearth) role(t *testing.T, name, policy string) string {
	t.Helper()
	c := iam.NewFromConfig(h.aws)
	made, err := c.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	if err == nil {
		_, err = c.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("own"), PolicyDocument: &policy})
	}
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(made.Role.Arn)
}

func allow(action, resource string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":"Given","Effect":"Allow","Action":%q,"Resource":%q}]}`, action, resource)
}

func withRole(arn string) func(*harness.Function) {
	return func(f *harness.Function) { f.Role, f.Timeout, f.Memory = arn, 10, 256 }
}

// cli runs the command line against this Hearth.
func (h *hearth) cli(t *testing.T, args ...string) (stdout string, code int) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, append(args, "--endpoint", h.Endpoint)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if errs.Len() > 0 {
		t.Logf("hearth %s: %s", strings.Join(args, " "), errs.String())
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

func TestRootAFunctionRunsAsItsRoleAndCanDoExactlyWhatItPermits(t *testing.T) {
	h := up(t, "")
	arn := h.role(t, "creator", allow("logs:CreateLogGroup", "arn:aws:logs:us-east-1:000000000000:log-group:mine:*"))
	h.function(t, "caller", caller, withRole(arn))

	if got := h.call(t, "caller", identityCall()); got.Status != 200 || !strings.Contains(got.Body, "arn:aws:sts::000000000000:assumed-role/creator/caller") {
		t.Errorf("who am I: got %d %s", got.Status, got.Body)
	}
	if got := h.call(t, "caller", logsCall("CreateLogGroup", `{"logGroupName":"mine"}`)); got.Status != 200 {
		t.Errorf("what the role permits: got %d %s", got.Status, got.Body)
	}
	got := h.call(t, "caller", logsCall("CreateLogGroup", `{"logGroupName":"others"}`))
	const refusal = "User: arn:aws:sts::000000000000:assumed-role/creator/caller is not authorized to perform: logs:CreateLogGroup on resource: " +
		"arn:aws:logs:us-east-1:000000000000:log-group:others:log-stream: because no identity-based policy allows the logs:CreateLogGroup action"
	if got.Status != 400 || !strings.Contains(got.Body, "AccessDeniedException") || !strings.Contains(got.Body, refusal) {
		t.Errorf("what it does not: got %d %s", got.Status, got.Body)
	}

	// A change of the role counts with the next call of the same environment.
	_, err := iam.NewFromConfig(h.aws).PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: aws.String("creator"), PolicyName: aws.String("own"), PolicyDocument: aws.String(allow("logs:CreateLogGroup", "*")),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := h.call(t, "caller", logsCall("CreateLogGroup", `{"logGroupName":"others"}`)); got.Status != 200 {
		t.Errorf("after the role was widened: got %d %s", got.Status, got.Body)
	}
}

func TestRootTwoFunctionsShareARoleOfLeastPrivilege(t *testing.T) {
	h := up(t, "")
	// It may write and not read.
	arn := h.role(t, "writer", allow("logs:Create*", "*"))
	for _, name := range []string{"one", "two"} {
		h.function(t, name, caller, withRole(arn))
		if got := h.call(t, name, logsCall("CreateLogGroup", `{"logGroupName":"by-`+name+`"}`)); got.Status != 200 {
			t.Errorf("%s writes: got %d %s", name, got.Status, got.Body)
		}
		got := h.call(t, name, logsCall("DescribeLogGroups", `{}`))
		if got.Status != 400 || !strings.Contains(got.Body, "assumed-role/writer/"+name+" is not authorized to perform: logs:DescribeLogGroups") {
			t.Errorf("%s reads: got %d %s", name, got.Status, got.Body)
		}
	}

	// The same for a table.
	h.table(t, "items")
	h.role(t, "storer", allow("dynamodb:PutItem", "arn:aws:dynamodb:us-east-1:000000000000:table/items"))
	h.function(t, "storer", caller, withRole("arn:aws:iam::000000000000:role/storer"))
	if got := h.call(t, "storer", tableCall("PutItem", `{"TableName":"items","Item":{"id":{"S":"1"}}}`)); got.Status != 200 {
		t.Errorf("writes the table: got %d %s", got.Status, got.Body)
	}
	got := h.call(t, "storer", tableCall("GetItem", `{"TableName":"items","Key":{"id":{"S":"1"}}}`))
	if got.Status != 400 || !strings.Contains(got.Body, "AccessDeniedException") ||
		!strings.Contains(got.Body, "is not authorized to perform: dynamodb:GetItem on resource: arn:aws:dynamodb:us-east-1:000000000000:table/items because no identity-based policy allows the dynamodb:GetItem action") {
		t.Errorf("reads the table: got %d %s", got.Status, got.Body)
	}

	out, code := h.cli(t, "iam", "explain", "role/writer", "logs:CreateLogGroup", "arn:aws:logs:us-east-1:000000000000:log-group:x:*")
	if code != 0 || !strings.Contains(out, "statement 1 (Given) of own") {
		t.Errorf("explain what is allowed: exit code %d, %s", code, out)
	}
	out, code = h.cli(t, "iam", "explain", "role/writer", "logs:DescribeLogGroups", "*")
	if code != 1 || !strings.Contains(out, "because no identity-based policy allows the logs:DescribeLogGroups action") {
		t.Errorf("explain what is not: exit code %d, %s", code, out)
	}
	out, code = h.cli(t, "iam", "suggest", "one")
	var policy struct {
		Statement []struct{ Action, Resource []string }
	}
	if err := json.Unmarshal([]byte(out), &policy); err != nil || code != 0 {
		t.Fatalf("suggest: exit code %d, %v: %s", code, err, out)
	}
	for _, want := range []string{"logs:CreateLogGroup", "logs:DescribeLogGroups", "log-group:by-one:*"} {
		if !strings.Contains(out, want) {
			t.Errorf("the suggestion lacks %s:\n%s", want, out)
		}
	}
	if strings.Contains(out, "by-two") {
		t.Errorf("the suggestion has what another function used:\n%s", out)
	}
}

func TestRootAnotherAccountInvokesOnlyWhatBothSidesAllow(t *testing.T) {
	h := up(t, "")
	h.function(t, "shared", `exports.handler = async () => "reached"`)
	out, code := h.cli(t, "account", "create", "guests", "--id", "222222222222", "-o", "json")
	var made struct {
		Key    string `json:"access_key_id"`
		Secret string `json:"secret_access_key"`
	}
	if err := json.Unmarshal([]byte(out), &made); err != nil || code != 0 {
		t.Fatalf("account create: exit code %d, %v: %s", code, err, out)
	}
	guestAWS := h.aws
	guestAWS.Credentials = credentials.NewStaticCredentialsProvider(made.Key, made.Secret, "")
	guests := iam.NewFromConfig(guestAWS)
	arn := "arn:aws:lambda:us-east-1:000000000000:function:shared"

	// A user of the other account, without and then with a policy of its own.
	ctx := t.Context()
	if _, err := guests.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ann")}); err != nil {
		t.Fatal(err)
	}
	key, err := guests.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("ann")})
	if err != nil {
		t.Fatal(err)
	}
	annAWS := h.aws
	annAWS.Credentials = credentials.NewStaticCredentialsProvider(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
	ann := lambda.NewFromConfig(annAWS)
	invoke := func(ctx context.Context, name string) error {
		_, err := ann.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name})
		return err
	}
	wantCode(t, invoke(ctx, arn), "AccessDeniedException")
	_, err = guests.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("p"), PolicyDocument: aws.String(allow("lambda:*", "*"))})
	if err != nil {
		t.Fatal(err)
	}
	said := wantCode(t, invoke(ctx, arn), "AccessDeniedException")
	if !strings.Contains(said, "because no resource-based policy allows the lambda:InvokeFunction action") {
		t.Errorf("with her own side alone: %s", said)
	}
	if s := wantCode(t, invoke(ctx, arn+"-none"), "AccessDeniedException"); strings.Contains(s, "not found") {
		t.Errorf("a stranger learns what does not exist: %s", s)
	}
	_, err = h.lambda.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: aws.String("shared"), StatementId: aws.String("guests"), Principal: aws.String("222222222222"), Action: aws.String("lambda:InvokeFunction"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := invoke(ctx, arn); err != nil {
		t.Errorf("with both sides: %v", err)
	}
	_, err = ann.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &arn})
	wantCode(t, err, "AccessDeniedException")
	if _, err := h.lambda.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: aws.String("shared"), StatementId: aws.String("guests")}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, invoke(ctx, arn), "AccessDeniedException")
	wantCode(t, invoke(ctx, "shared"), "ResourceNotFoundException") // in her own account there is none
}
