package controlplane

import (
	"errors"
	"sync"
	"testing"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func TestAnUpdateServesTheOldCodeUntilTheNewIsReady(t *testing.T) {
	p := &peers{}
	h := startOn(t, newMem(), p)
	h.create("f")
	old := must(h.Lookup(fid("f"), "")).Version
	p.mu.Lock()
	p.gate = make(chan struct{})
	p.mu.Unlock()

	out := must(h.UpdateFunctionCode(h.ctx, &awslambda.UpdateFunctionCodeInput{FunctionName: new("f"), ZipFile: zipWith("v2")}))
	if out.State != types.StateActive || out.LastUpdateStatus != types.LastUpdateStatusInProgress ||
		*out.LastUpdateStatusReason != "The function is being created." || out.LastUpdateStatusReasonCode != "Creating" {
		t.Errorf("answer: %s, %s, %v, %s", out.State, out.LastUpdateStatus, out.LastUpdateStatusReason, out.LastUpdateStatusReasonCode)
	}
	if now := must(h.Lookup(fid("f"), "")); now.Version != old {
		if now.Version.Key() != old.Key() || now.Version.CodeDigest != old.CodeDigest {
			t.Errorf("while the update is in progress %v runs, want %v", now.Version.Key(), old.Key())
		}
	}
	_, err := h.UpdateFunctionConfiguration(h.ctx, &awslambda.UpdateFunctionConfigurationInput{FunctionName: new("f")})
	shows(t, err, "ResourceConflictException: The operation cannot be performed at this time. An update is in progress for resource: "+fARN)
	_, err = h.UpdateFunctionCode(h.ctx, &awslambda.UpdateFunctionCodeInput{FunctionName: new("f"), ZipFile: zipWith("v3")})
	shows(t, err, "ResourceConflictException: The operation cannot be performed at this time. An update is in progress for resource: "+fARN)
	_, err = h.PublishVersion(h.ctx, &awslambda.PublishVersionInput{FunctionName: new("f")})
	shows(t, err, "ResourceConflictException: The operation cannot be performed at this time. An update is in progress for resource: "+fARN)
	if keys := p.retiredKeys(); len(keys) != 0 {
		t.Errorf("retired before the update is over: %v", keys)
	}

	close(p.gate)
	h.awaitSettled("f")
	if got := h.config("f"); got.LastUpdateStatus != types.LastUpdateStatusSuccessful || got.LastUpdateStatusReason != nil || *got.RevisionId == *out.RevisionId {
		t.Errorf("later: %s, %v, revision changed %t", got.LastUpdateStatus, got.LastUpdateStatusReason, *got.RevisionId != *out.RevisionId)
	}
	now := must(h.Lookup(fid("f"), "")).Version
	if now.CodeDigest == old.CodeDigest || now.RevisionID == old.RevisionID {
		t.Errorf("after the update %v with %s runs", now.Key(), now.CodeDigest)
	}
	h.awaitRetired(old.Key())
}

func TestAnUpdateThatFailsKeepsTheOldCode(t *testing.T) {
	p := &peers{}
	h := startOn(t, newMem(), p)
	h.create("f")
	old := must(h.Lookup(fid("f"), "")).Version
	p.mu.Lock()
	p.warm = func() error { return errors.New("disk on fire") }
	p.mu.Unlock()
	h.updateCode("f", "v2")
	got := h.config("f")
	if got.State != types.StateActive || got.LastUpdateStatus != types.LastUpdateStatusFailed || got.LastUpdateStatusReasonCode != "InternalError" {
		t.Errorf("State = %s, %s, %s", got.State, got.LastUpdateStatus, got.LastUpdateStatusReasonCode)
	}
	if now := must(h.Lookup(fid("f"), "")); now.Version.Key() != old.Key() || now.Invocable() != nil {
		t.Errorf("%v runs, want %v", now.Version.Key(), old.Key())
	}
	p.mu.Lock()
	p.warm = nil
	p.mu.Unlock()
	h.updateCode("f", "v3")
	if now := must(h.Lookup(fid("f"), "")).Version; now.Key() == old.Key() || h.config("f").LastUpdateStatus != "Successful" {
		t.Errorf("after a good update %v runs", now.Key())
	}
}

func TestUpdateConfigurationKeepsWhatIsLeftOut(t *testing.T) {
	h := start(t)
	h.create("f", func(in *awslambda.CreateFunctionInput) {
		in.Description = new("kept")
		in.Environment = &types.Environment{Variables: map[string]string{"AA": "1"}}
	})
	update := func(in awslambda.UpdateFunctionConfigurationInput) *awslambda.UpdateFunctionConfigurationOutput {
		t.Helper()
		in.FunctionName = new("f")
		out := must(h.UpdateFunctionConfiguration(h.ctx, &in))
		h.awaitSettled("f")
		return out
	}
	out := update(awslambda.UpdateFunctionConfigurationInput{MemorySize: new(int32(512))})
	if *out.MemorySize != 512 || *out.Description != "kept" || out.Environment.Variables["AA"] != "1" {
		t.Errorf("after a change of memory: %d %q %v", *out.MemorySize, *out.Description, out.Environment)
	}
	out = update(awslambda.UpdateFunctionConfigurationInput{Environment: &types.Environment{}, Description: new("")})
	if out.Environment == nil || out.Environment.Variables == nil || len(out.Environment.Variables) != 0 || *out.Description != "" {
		t.Errorf("after clearing: %v %q", out.Environment, *out.Description)
	}
	update(awslambda.UpdateFunctionConfigurationInput{LoggingConfig: &types.LoggingConfig{LogFormat: "JSON", SystemLogLevel: "WARN"}})
	out = update(awslambda.UpdateFunctionConfigurationInput{LoggingConfig: &types.LoggingConfig{LogGroup: new("/mine")}})
	if l := out.LoggingConfig; l.LogFormat != "JSON" || l.SystemLogLevel != "WARN" || l.ApplicationLogLevel != "INFO" || *l.LogGroup != "/mine" {
		t.Errorf("JSON logging: %+v", l)
	}
	out = update(awslambda.UpdateFunctionConfigurationInput{LoggingConfig: &types.LoggingConfig{LogFormat: "Text"}})
	if l := out.LoggingConfig; l.LogFormat != "Text" || l.SystemLogLevel != "" || l.ApplicationLogLevel != "" {
		t.Errorf("back to text logging: %+v", l)
	}
}

func TestUpdateRefuses(t *testing.T) {
	const ipv = "InvalidParameterValueException: "
	config := func(in awslambda.UpdateFunctionConfigurationInput) func(*harness) error {
		return func(h *harness) error {
			if in.FunctionName == nil {
				in.FunctionName = new("f")
			}
			_, err := h.UpdateFunctionConfiguration(h.ctx, &in)
			return err
		}
	}
	code := func(in awslambda.UpdateFunctionCodeInput) func(*harness) error {
		return func(h *harness) error {
			if in.FunctionName == nil {
				in.FunctionName = new("f")
			}
			_, err := h.UpdateFunctionCode(h.ctx, &in)
			return err
		}
	}
	for _, tc := range []struct {
		name string
		call func(*harness) error
		want string
	}{
		{
			"the configuration of a missing function", config(awslambda.UpdateFunctionConfigurationInput{FunctionName: new("g")}),
			"ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:123456789012:function:g",
		},
		{
			"the code of a missing function", code(awslambda.UpdateFunctionCodeInput{FunctionName: new("g"), ZipFile: zipWith("x")}),
			"ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:123456789012:function:g",
		},
		{
			"a configuration at an old revision", config(awslambda.UpdateFunctionConfigurationInput{RevisionId: new("old")}),
			"PreconditionFailedException: " + msgRevision,
		},
		{
			"code at an old revision", code(awslambda.UpdateFunctionCodeInput{RevisionId: new("old"), ZipFile: zipWith("x")}),
			"PreconditionFailedException: " + msgRevision,
		},
		{
			"an image for a zip", code(awslambda.UpdateFunctionCodeInput{ImageUri: new("i")}),
			ipv + "Please don't provide ImageUri when updating a function with packageType Zip.",
		},
		{"code in S3", code(awslambda.UpdateFunctionCodeInput{S3Bucket: new("b"), S3Key: new("k")}), ipv + "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist"},
		{
			"code that is no zip", code(awslambda.UpdateFunctionCodeInput{ZipFile: []byte("x")}),
			ipv + "Could not unzip uploaded file. Please check your file, then try to upload again.",
		},
		{"a published version", code(awslambda.UpdateFunctionCodeInput{FunctionName: new("f:1"), ZipFile: zipWith("x")}), ipv + msgFunctionsOnly},
		{
			"a role that Lambda cannot assume", config(awslambda.UpdateFunctionConfigurationInput{Role: new(testRole + "2")}),
			ipv + "The role defined for the function cannot be assumed by Lambda.",
		},
		{
			"a deprecated runtime", config(awslambda.UpdateFunctionConfigurationInput{Runtime: "nodejs12.x"}),
			ipv + "The runtime parameter of nodejs12.x is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.",
		},
		{
			"a capacity provider", config(awslambda.UpdateFunctionConfigurationInput{CapacityProviderConfig: &types.CapacityProviderConfig{}}),
			ipv + "CapacityProviderConfig isn't supported for Lambda Default functions.",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := start(t)
			h.create("f")
			before := *h.config("f").RevisionId
			shows(t, tc.call(h), tc.want)
			if now := *h.config("f").RevisionId; now != before {
				t.Errorf("RevisionId changed from %s to %s", before, now)
			}
		})
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	h := start(t)
	h.create("f")
	before := h.config("f")
	out := must(h.UpdateFunctionCode(h.ctx, &awslambda.UpdateFunctionCodeInput{FunctionName: new("f"), ZipFile: zipWith("v2"), DryRun: true}))
	after := h.config("f")
	if *out.CodeSha256 == *before.CodeSha256 {
		t.Error("the answer shows the old code")
	}
	if *after.CodeSha256 != *before.CodeSha256 || *after.RevisionId != *before.RevisionId {
		t.Error("the function changed")
	}
}

// Of updates at the same time exactly one goes through: the others see it in
// progress, or its revision. The gate keeps the winner's transition from ending
// before all have tried.
func TestOfUpdatesAtTheSameTimeOneWins(t *testing.T) {
	p := &peers{}
	h := startOn(t, newMem(), p)
	h.create("f")
	revision := *h.config("f").RevisionId
	p.mu.Lock()
	p.gate = make(chan struct{})
	p.mu.Unlock()
	const callers = 8
	errs := make([]error, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			_, errs[i] = h.UpdateFunctionConfiguration(h.ctx, &awslambda.UpdateFunctionConfigurationInput{
				FunctionName: new("f"), MemorySize: new(int32(200 + i)), RevisionId: new(revision),
			})
		})
	}
	wg.Wait()
	close(p.gate)
	won := 0
	for _, err := range errs {
		refused, ok := errors.AsType[*lambda.Error](err)
		switch {
		case err == nil:
			won++
		case !ok || refused.Code != lambda.CodePreconditionFailed && refused.Code != lambda.CodeResourceConflict:
			t.Errorf("a loser got %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d updates went through, want 1", won)
	}
}

// Changes that do not exclude each other all go through, whatever their order.
func TestChangesAtTheSameTimeAreAllKept(t *testing.T) {
	h := start(t)
	h.create("f")
	const callers = 12
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			tag := string(rune('a' + i))
			if _, err := h.TagResource(h.ctx, &awslambda.TagResourceInput{Resource: new(fARN), Tags: map[string]string{tag: ""}}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if tags := must(h.ListTags(h.ctx, &awslambda.ListTagsInput{Resource: new(fARN)})).Tags; len(tags) != callers {
		t.Errorf("there are %d tags, want %d", len(tags), callers)
	}
}
