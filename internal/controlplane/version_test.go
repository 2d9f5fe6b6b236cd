package controlplane

import (
	"fmt"
	"strings"
	"testing"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestPublishGivesNumbersThatAreNeverReused(t *testing.T) {
	h := start(t)
	h.create("f")
	before := *h.config("f").RevisionId
	key := must(h.Lookup(fid("f"), "")).Version.Key()
	out := must(h.PublishVersion(h.ctx, &awslambda.PublishVersionInput{FunctionName: new("f"), Description: new("one")}))
	if *out.Version != "1" || *out.FunctionArn != fARN+":1" || *out.Description != "one" || out.State != "Active" || out.LastUpdateStatus != "Successful" {
		t.Errorf("answer: %s %s %q %s %s", *out.Version, *out.FunctionArn, *out.Description, out.State, out.LastUpdateStatus)
	}
	if *h.config("f").RevisionId == before {
		t.Error("publishing left the RevisionId of $LATEST")
	}
	if now := must(h.Lookup(fid("f"), "")).Version.Key(); now != key {
		t.Error("publishing changed which environments serve $LATEST")
	}
	again := must(h.PublishVersion(h.ctx, &awslambda.PublishVersionInput{FunctionName: new("f"), Description: new("two")}))
	if *again.Version != "1" || *again.Description != "one" || *again.RevisionId != *out.RevisionId {
		t.Errorf("publishing the same again: %s %q", *again.Version, *again.Description)
	}
	h.updateCode("f", "v2")
	if v := h.publish("f"); v != "2" {
		t.Errorf("the next version is %s, want 2", v)
	}
	must(h.DeleteFunction(h.ctx, &awslambda.DeleteFunctionInput{FunctionName: new("f"), Qualifier: new("2")}))
	if v := h.publish("f"); v != "3" {
		t.Errorf("after deleting version 2 the next is %s, want 3", v)
	}
	if out := h.updateCode("f", "v4"); *out.FunctionArn != fARN {
		t.Errorf("an update without Publish answers %s", *out.FunctionArn)
	}
	four := must(h.UpdateFunctionCode(h.ctx, &awslambda.UpdateFunctionCodeInput{FunctionName: new("f"), ZipFile: zipWith("v5"), Publish: true}))
	if *four.Version != "4" || *four.FunctionArn != fARN+":4" || four.State != types.StatePending || four.LastUpdateStatus != "" {
		t.Errorf("an update with Publish answers %s %s %s %q", *four.Version, *four.FunctionArn, four.State, four.LastUpdateStatus)
	}
	h.awaitSettled("f")
	if got := h.config("f:4"); got.State != "Active" || *got.CodeSha256 != *h.config("f").CodeSha256 {
		t.Errorf("version 4 is %s", got.State)
	}
}

func TestPublishChecksWhatItIsTold(t *testing.T) {
	h := start(t)
	sha := *h.create("f").CodeSha256
	_, err := h.PublishVersion(h.ctx, &awslambda.PublishVersionInput{FunctionName: new("f"), CodeSha256: new("other")})
	shows(t, err, "InvalidParameterValueException: CodeSHA256 (other) is different from current CodeSHA256 in $LATEST ("+sha+"). Please try again with the CodeSHA256 in $LATEST.")
	_, err = h.PublishVersion(h.ctx, &awslambda.PublishVersionInput{FunctionName: new("f"), RevisionId: new("old")})
	shows(t, err, "PreconditionFailedException: "+msgRevision)
	_, err = h.PublishVersion(h.ctx, &awslambda.PublishVersionInput{FunctionName: new("g")})
	shows(t, err, "ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:123456789012:function:g")
	out := must(h.PublishVersion(h.ctx, &awslambda.PublishVersionInput{FunctionName: new("f"), CodeSha256: new(sha)}))
	if *out.Version != "1" {
		t.Errorf("version %s, want 1", *out.Version)
	}
}

func TestVersionsAreListedWithLatestFirst(t *testing.T) {
	h := start(t)
	h.create("f")
	for i := range 11 {
		h.updateCode("f", fmt.Sprint("code", i))
		h.publish("f")
	}
	var got []string
	var marker *string
	for pages := 0; pages == 0 || marker != nil; pages++ {
		out := must(h.ListVersionsByFunction(h.ctx, &awslambda.ListVersionsByFunctionInput{FunctionName: new("f"), Marker: marker, MaxItems: new(int32(5))}))
		for _, v := range out.Versions {
			got = append(got, strings.TrimPrefix(*v.FunctionArn, fARN+":"))
		}
		marker = out.NextMarker
	}
	if got, want := strings.Join(got, " "), "$LATEST 1 2 3 4 5 6 7 8 9 10 11"; got != want {
		t.Errorf("versions are %s, want %s", got, want)
	}
}

func TestFunctionsAreListedPageByPageWhileTheyChange(t *testing.T) {
	h := start(t)
	for _, name := range []string{"b", "d", "a", "e", "c"} {
		h.create(name)
	}
	first := must(h.ListFunctions(h.ctx, &awslambda.ListFunctionsInput{MaxItems: new(int32(2))}))
	must(h.DeleteFunction(h.ctx, &awslambda.DeleteFunctionInput{FunctionName: new("b")})) // the marker's own
	must(h.DeleteFunction(h.ctx, &awslambda.DeleteFunctionInput{FunctionName: new("d")}))
	h.create("aa") // before the marker
	h.create("cc")
	rest := must(h.ListFunctions(h.ctx, &awslambda.ListFunctionsInput{Marker: first.NextMarker}))
	var got []string
	for _, f := range append(first.Functions, rest.Functions...) {
		got = append(got, *f.FunctionName)
	}
	if got, want := strings.Join(got, " "), "a b c cc e"; got != want || rest.NextMarker != nil {
		t.Errorf("functions are %s (more: %t), want %s", got, rest.NextMarker != nil, want)
	}
	_, err := h.ListFunctions(h.ctx, &awslambda.ListFunctionsInput{Marker: new("!")})
	shows(t, err, "InvalidParameterValueException: The provided marker is invalid.")
}

func TestFunctionsAreListedInAllVersions(t *testing.T) {
	h := start(t)
	h.create("f")
	h.create("g")
	h.publish("f")
	var got []string
	var marker *string
	for pages := 0; pages == 0 || marker != nil; pages++ {
		out := must(h.ListFunctions(h.ctx, &awslambda.ListFunctionsInput{FunctionVersion: types.FunctionVersionAll, MaxItems: new(int32(1)), Marker: marker}))
		for _, f := range out.Functions {
			got = append(got, strings.TrimPrefix(*f.FunctionArn, "arn:aws:lambda:us-east-1:123456789012:function:"))
		}
		marker = out.NextMarker
	}
	if got, want := strings.Join(got, " "), "f:$LATEST f:1 g:$LATEST"; got != want {
		t.Errorf("functions are %s, want %s", got, want)
	}
}

func TestAPageHasAtMostFiftyFunctions(t *testing.T) {
	h := start(t)
	for i := range 52 {
		must(h.CreateFunction(h.ctx, createInput(fmt.Sprintf("f%02d", i))))
	}
	out := must(h.ListFunctions(h.ctx, &awslambda.ListFunctionsInput{MaxItems: new(int32(1000))}))
	if len(out.Functions) != 50 || out.NextMarker == nil {
		t.Errorf("a page has %d functions, more: %t", len(out.Functions), out.NextMarker != nil)
	}
}
