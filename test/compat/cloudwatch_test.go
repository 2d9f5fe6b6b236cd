package compat

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"

	"github.com/hearthfaas/hearth/internal/harness"
)

// TestBoto3ReadsWhatFunctionsDid runs testdata/cloudwatch_check.py, which asserts for
// itself.
func TestBoto3ReadsWhatFunctionsDid(t *testing.T) {
	t.Parallel()
	python := findTool(t, "python3 with boto3", func(path string) bool { return exec.Command(path, "-c", "import boto3").Run() == nil },
		"/root/.pyenv/versions/*/bin/python3", "/usr/bin/python3", "/usr/local/bin/python3")
	h := up(t)
	err := harness.Create(t.Context(), h.AWS(), harness.Function{Name: "f", Runtime: node, Files: map[string]string{
		"index.js": `exports.handler = async (e) => { if (e.fail) throw new Error("asked to"); return e }`,
	}})
	if err != nil {
		t.Fatal(err)
	}
	c := lambda.NewFromConfig(h.AWS())
	for i := range 5 {
		if _, err := harness.Invoke(t.Context(), c, "f", fmt.Sprintf(`{"fail":%t}`, i < 2)); err != nil {
			t.Fatal(err)
		}
	}
	script, err := filepath.Abs("testdata/cloudwatch_check.py")
	if err != nil {
		t.Fatal(err)
	}
	out, code := command(t, t.TempDir(), environ(h), python, script, "f", "5", "2")
	if code != 0 || !strings.Contains(out, "all checks passed") {
		t.Errorf("exit code %d", code)
	}
	checkPrometheus(t, h)
}

// checkPrometheus scrapes without a signature.
func checkPrometheus(t *testing.T, h *harness.Hearth) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.Endpoint+"/_hearth/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := sdkHTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"hearth_lambda_invocations_total 5\n", "hearth_lambda_errors_total 2\n", `hearth_lambda_environments{state="idle"} 1`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestTheAWSCommandLineReadsMetrics(t *testing.T) {
	t.Parallel()
	cli := findTool(t, "aws", func(path string) bool { return exec.Command(path, "--version").Run() == nil }, "/root/.pyenv/versions/*/bin/aws")
	h := up(t)
	run := func(args ...string) string {
		t.Helper()
		out, code := command(t, t.TempDir(), environ(h, "AWS_PAGER="), cli, append(append([]string{"cloudwatch"}, args...), "--output", "text")...)
		if code != 0 {
			t.FailNow()
		}
		return strings.TrimSpace(out)
	}
	run("put-metric-data", "--namespace", "mine", "--metric-name", "m", "--value", "1.5", "--unit", "Count", "--dimensions", "a=b")
	if got := run("list-metrics", "--namespace", "mine", "--query", "Metrics[0].[MetricName,Dimensions[0].Value]"); got != "m\tb" {
		t.Errorf("got %q", got)
	}
}

// TestTheNamespaceIsAConditionOfPutMetricData holds cloudwatch:namespace.
func TestTheNamespaceIsAConditionOfPutMetricData(t *testing.T) {
	h := up(t)
	people := iam.NewFromConfig(h.AWS())
	if _, err := people.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("u")}); err != nil {
		t.Fatal(err)
	}
	_, err := people.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{
		UserName: aws.String("u"), PolicyName: aws.String("p"), PolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"cloudwatch:PutMetricData","Resource":"*","Condition":{"StringEquals":{"cloudwatch:namespace":"mine"}}}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	made, err := people.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("u")})
	if err != nil {
		t.Fatal(err)
	}
	cfg := h.AWS()
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*made.AccessKey.AccessKeyId, *made.AccessKey.SecretAccessKey, "")
	c := cloudwatch.NewFromConfig(cfg)
	put := func(namespace string) error {
		_, err := c.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
			Namespace: &namespace, MetricData: []types.MetricDatum{{MetricName: aws.String("m"), Value: aws.Float64(1)}},
		})
		return err
	}
	if err := put("mine"); err != nil {
		t.Error(err)
	}
	refused, list := put("theirs"), error(nil)
	_, list = c.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{})
	for _, err := range []error{refused, list} {
		if api, ok := errors.AsType[smithy.APIError](err); !ok || !strings.HasPrefix(api.ErrorCode(), "AccessDenied") {
			t.Errorf("got %v", err)
		}
	}
}

func TestRequestsToFunctionURLsAreCounted(t *testing.T) {
	h := up(t)
	makeFunction(t, h, "web", `exports.handler = async (e) => ({ statusCode: Number(e.rawPath.slice(1)), body: "" })`)
	s := newSite(t, h)
	url := strings.TrimSuffix(openURL(t, lambda.NewFromConfig(h.AWS()), "web", nil), "/")
	for _, path := range []string{"/200", "/404", "/404", "/503"} {
		if _, err := s.call(http.MethodGet, url+path, ""); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	for metric, want := range map[string]float64{"UrlRequestCount": 4, "Url4xxCount": 2, "Url5xxCount": 1} {
		out, err := cloudwatch.NewFromConfig(h.AWS()).GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
			Namespace: aws.String("AWS/Lambda"), MetricName: &metric, Period: aws.Int32(7200),
			Dimensions: []types.Dimension{{Name: aws.String("FunctionName"), Value: aws.String("web")}},
			StartTime:  aws.Time(now.Add(-time.Hour)), EndTime: aws.Time(now.Add(time.Hour)), Statistics: []types.Statistic{"Sum"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Datapoints) != 1 || *out.Datapoints[0].Sum != want {
			t.Errorf("%s: got %v, want %v", metric, out.Datapoints, want)
		}
	}
}
