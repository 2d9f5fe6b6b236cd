package controlplane

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store/mem"
)

const lARN = "arn:aws:lambda:us-east-1:123456789012:layer:l"

func (h *harness) layer(name, body string, with ...func(*awslambda.PublishLayerVersionInput)) *awslambda.PublishLayerVersionOutput {
	h.t.Helper()
	in := &awslambda.PublishLayerVersionInput{
		LayerName: new(name), Content: &types.LayerVersionContentInput{ZipFile: zipWith(body)},
	}
	for _, w := range with {
		w(in)
	}
	return must(h.PublishLayerVersion(h.ctx, in))
}

func (h *harness) deleteLayer(name string, version int64) {
	h.t.Helper()
	must(h.DeleteLayerVersion(h.ctx, &awslambda.DeleteLayerVersionInput{LayerName: new(name), VersionNumber: new(version)}))
}

func TestALayerVersionShowsWhatItWasPublishedWith(t *testing.T) {
	h := start(t)
	out := h.layer("l", "one", func(in *awslambda.PublishLayerVersionInput) {
		in.Description, in.LicenseInfo = new("tools"), new("MIT")
		in.CompatibleRuntimes = []types.Runtime{types.RuntimeNodejs20x, types.RuntimePython38}
		in.CompatibleArchitectures = []types.Architecture{types.ArchitectureX8664}
	})
	got := must(h.GetLayerVersion(h.ctx, &awslambda.GetLayerVersionInput{LayerName: new("l"), VersionNumber: new(int64(1))}))
	byARN := must(h.GetLayerVersionByArn(h.ctx, &awslambda.GetLayerVersionByArnInput{Arn: new(lARN + ":1")}))
	plain := h.layer("plain", "two")
	digest := string(h.view.layer(layerID(fid("l"))).versions[1].value.Code.Digest)
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"LayerArn", *out.LayerArn, lARN},
		{"LayerVersionArn", *out.LayerVersionArn, lARN + ":1"},
		{"Version", out.Version, int64(1)},
		{"Description", *out.Description, "tools"},
		{"LicenseInfo", *out.LicenseInfo, "MIT"},
		{"CompatibleRuntimes", fmt.Sprint(out.CompatibleRuntimes), "[nodejs20.x python3.8]"},
		{"CompatibleArchitectures", fmt.Sprint(out.CompatibleArchitectures), "[x86_64]"},
		{"CodeSize", out.Content.CodeSize, int64(len(zipWith("one")))},
		{"Location", *out.Content.Location, "http://127.0.0.1:4566/" + digest},
		{"CreatedDate ends like AWS's", strings.HasSuffix(*out.CreatedDate, "+0000"), true},
		{"Get shows the same", fmt.Sprint(*got.Content.CodeSha256, *got.CreatedDate, got.Version), fmt.Sprint(*out.Content.CodeSha256, *out.CreatedDate, out.Version)},
		{"GetByArn shows the same", fmt.Sprint(*byARN.Content.CodeSha256, *byARN.CreatedDate, byARN.Version), fmt.Sprint(*out.Content.CodeSha256, *out.CreatedDate, out.Version)},
		{"Description of a plain one", *plain.Description, ""},
		{"LicenseInfo of a plain one", plain.LicenseInfo == nil, true},
		{"CompatibleRuntimes of a plain one", plain.CompatibleRuntimes == nil, true},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", c.what, c.got, c.want)
		}
	}
}

func TestLayerVersionNumbersAreNeverReused(t *testing.T) {
	st := mem.New()
	h := startOn(t, st, &peers{})
	for want := range int64(3) {
		if got := h.layer("l", "x").Version; got != want+1 {
			t.Errorf("got version %d, want %d", got, want+1)
		}
	}
	for n := range int64(3) {
		h.deleteLayer("l", n+1)
	}
	h.deleteLayer("l", 3) // once more is no error
	if got := must(h.ListLayers(h.ctx, &awslambda.ListLayersInput{})).Layers; len(got) != 0 {
		t.Errorf("a layer without versions is listed: %v", got)
	}
	h.stop()
	h = startOn(t, st, &peers{})
	if got := h.layer("l", "x").Version; got != 4 {
		t.Errorf("after deleting all and a restart: got version %d, want 4", got)
	}
}

func TestManyPublishersOfOneLayerGetNumbersOfTheirOwn(t *testing.T) {
	h := start(t)
	const n = 12
	numbers := make([]int64, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { numbers[i] = h.layer("l", fmt.Sprint("body", i)).Version })
	}
	wg.Wait()
	slices.Sort(numbers)
	for i, got := range numbers {
		if got != int64(i+1) {
			t.Fatalf("numbers are %v", numbers)
		}
	}
}

func TestLayerRequestsAreRefused(t *testing.T) {
	h := start(t)
	h.layer("l", "one")
	const foreign = "arn:aws:lambda:us-east-1:999999999999:layer:l"
	const elsewhere = "arn:aws:lambda:eu-west-1:123456789012:layer:l"
	denied := func(op, arn string) string {
		return "AccessDeniedException: User: arn:aws:iam::123456789012:root is not authorized to perform: lambda:" + op +
			" on resource: " + arn + " because no resource-based policy allows the lambda:" + op + " action"
	}
	publish := func(in awslambda.PublishLayerVersionInput) func() error {
		return func() error { _, err := h.PublishLayerVersion(h.ctx, &in); return err }
	}
	get := func(name string, n int64) func() error {
		return func() error {
			_, err := h.GetLayerVersion(h.ctx, &awslambda.GetLayerVersionInput{LayerName: new(name), VersionNumber: new(n)})
			return err
		}
	}
	byARN := func(arn string) func() error {
		return func() error {
			_, err := h.GetLayerVersionByArn(h.ctx, &awslambda.GetLayerVersionByArnInput{Arn: new(arn)})
			return err
		}
	}
	content := &types.LayerVersionContentInput{ZipFile: zipWith("one")}
	for _, tc := range []struct {
		name string
		call func() error
		want string
	}{
		{"a version that does not exist", get("l", 9), rnf + msgResourceNotFound},
		{"a layer that does not exist", get("m", 1), rnf + msgResourceNotFound},
		{"version zero", get("l", 0), ipv + "Layer Version Cannot be less than 1"},
		{"another account's layer", get(foreign, 1), denied("GetLayerVersion", foreign+":1")},
		{"another region's layer", get(elsewhere, 1), rnf + "Layers from 'eu-west-1' are not reachable in this region ('us-east-1')"},
		{"an ARN that does not exist", byARN(lARN + ":9"), rnf + msgResourceNotFound},
		{"an ARN of AWS's own layers", byARN("arn:aws:lambda:::awslayer:AmazonLinux1803"), rnf + msgResourceNotFound},
		{"another account's ARN", byARN(foreign + ":7"), denied("GetLayerVersion", foreign+":7")},
		{"a number that is larger than any", byARN(lARN + ":99999999999999999999"), rnf + msgResourceNotFound},
		{"deleting version zero", func() error {
			_, err := h.DeleteLayerVersion(h.ctx, &awslambda.DeleteLayerVersionInput{LayerName: new("l"), VersionNumber: new(int64(0))})
			return err
		}, ipv + "Layer Version Cannot be less than 1"},
		{"deleting in another account", func() error {
			_, err := h.DeleteLayerVersion(h.ctx, &awslambda.DeleteLayerVersionInput{LayerName: new(foreign), VersionNumber: new(int64(1))})
			return err
		}, denied("DeleteLayerVersion", foreign)},
		{"listing another account's versions", func() error {
			_, err := h.ListLayerVersions(h.ctx, &awslambda.ListLayerVersionsInput{LayerName: new(foreign)})
			return err
		}, denied("ListLayerVersions", foreign)},
		{"a marker that is none", func() error {
			_, err := h.ListLayerVersions(h.ctx, &awslambda.ListLayerVersionsInput{LayerName: new("l"), Marker: new("bm90IGEgbnVtYmVy")})
			return err
		}, ipv + "The provided marker is invalid."},
		{
			"publishing nothing", publish(awslambda.PublishLayerVersionInput{LayerName: new("l"), Content: &types.LayerVersionContentInput{}}),
			ipv + "Please provide a source for layer content.",
		},
		{
			"publishing no zip", publish(awslambda.PublishLayerVersionInput{LayerName: new("l"), Content: &types.LayerVersionContentInput{ZipFile: []byte("x")}}),
			ipv + "Could not unzip uploaded file. Please check your file, then try to upload again.",
		},
		{"publishing into another account", publish(awslambda.PublishLayerVersionInput{LayerName: new(foreign), Content: content}), denied("PublishLayerVersion", foreign)},
		{"publishing for a runtime that is none", publish(awslambda.PublishLayerVersionInput{
			LayerName: new("l"), Content: content, CompatibleRuntimes: []types.Runtime{"nodejs20.x", "cobol85"},
		}), "ValidationException: 1 validation error detected: Value '[nodejs20.x, cobol85]' at 'compatibleRuntimes' failed to satisfy constraint: Member must satisfy enum value set: [" +
			strings.Join(currentRuntimes, ", ") + "]"},
	} {
		t.Run(tc.name, func(t *testing.T) { shows(t, tc.call(), tc.want) })
	}
}

func TestListsOfLayersAreFilteredAndPaged(t *testing.T) {
	h := start(t)
	compatible := func(a types.Architecture, r ...types.Runtime) func(*awslambda.PublishLayerVersionInput) {
		return func(in *awslambda.PublishLayerVersionInput) {
			in.CompatibleRuntimes = r
			if a != "" {
				in.CompatibleArchitectures = []types.Architecture{a}
			}
		}
	}
	h.layer("a", "a1", compatible("x86_64", "nodejs20.x"))
	h.layer("a", "a2", compatible("arm64", "python3.12"))
	h.layer("b", "b1")
	h.layer("c", "c1", compatible("", "nodejs20.x", "python3.12"))
	layers := func(in awslambda.ListLayersInput) (names []string, next *string) {
		out := must(h.ListLayers(h.ctx, &in))
		for _, l := range out.Layers {
			names = append(names, fmt.Sprint(*l.LayerName, l.LatestMatchingVersion.Version))
		}
		return names, out.NextMarker
	}
	for _, tc := range []struct {
		name string
		in   awslambda.ListLayersInput
		want string
	}{
		{"all with their newest", awslambda.ListLayersInput{}, "[a2 b1 c1]"},
		{"by runtime", awslambda.ListLayersInput{CompatibleRuntime: "nodejs20.x"}, "[a1 c1]"},
		{"by architecture", awslambda.ListLayersInput{CompatibleArchitecture: "arm64"}, "[a2]"},
		{"by both", awslambda.ListLayersInput{CompatibleRuntime: "python3.12", CompatibleArchitecture: "x86_64"}, "[]"},
	} {
		if got, next := layers(tc.in); fmt.Sprint(got) != tc.want || next != nil {
			t.Errorf("%s: got %v, want %s", tc.name, got, tc.want)
		}
	}

	first, next := layers(awslambda.ListLayersInput{MaxItems: new(int32(1))})
	h.deleteLayer("a", 1) // what was shown goes, and something comes before it
	h.deleteLayer("a", 2)
	h.layer("A", "x")
	second, next := layers(awslambda.ListLayersInput{MaxItems: new(int32(1)), Marker: next})
	third, last := layers(awslambda.ListLayersInput{MaxItems: new(int32(1)), Marker: next})
	if got := fmt.Sprint(first, second, third); got != "[a2] [b1] [c1]" || last != nil {
		t.Errorf("pages under change: %s", got)
	}

	for i := range 60 {
		h.layer("many", fmt.Sprint(i))
	}
	var numbers []int64
	var at *string
	pages := 0
	for {
		out := must(h.ListLayerVersions(h.ctx, &awslambda.ListLayerVersionsInput{LayerName: new("many"), Marker: at}))
		for _, v := range out.LayerVersions {
			numbers = append(numbers, v.Version)
		}
		pages++
		if pages == 1 { // a new version and a shown one's end do not shift the next page
			h.layer("many", "new")
			h.deleteLayer("many", 11)
		}
		if at = out.NextMarker; at == nil {
			break
		}
	}
	if len(numbers) != 60 || numbers[0] != 60 || numbers[59] != 1 || pages != 2 ||
		!slices.IsSortedFunc(numbers, func(a, b int64) int { return int(b - a) }) {
		t.Errorf("%d pages: %v", pages, numbers)
	}
	if out := must(h.ListLayerVersions(h.ctx, &awslambda.ListLayerVersionsInput{LayerName: new("none")})); len(out.LayerVersions) != 0 {
		t.Errorf("a layer that does not exist has versions: %v", out.LayerVersions)
	}
}

func TestLayerPolicies(t *testing.T) {
	h := start(t)
	h.layer("l", "one")
	add := func(sid, who, org, revision string) (*awslambda.AddLayerVersionPermissionOutput, error) {
		in := &awslambda.AddLayerVersionPermissionInput{
			LayerName: new("l"), VersionNumber: new(int64(1)), StatementId: new(sid),
			Action: new("lambda:GetLayerVersion"), Principal: new(who), RevisionId: new(revision),
		}
		if org != "" {
			in.OrganizationId = new(org)
		}
		return h.AddLayerVersionPermission(h.ctx, in)
	}
	remove := func(n int64, sid, revision string) error {
		_, err := h.RemoveLayerVersionPermission(h.ctx, &awslambda.RemoveLayerVersionPermissionInput{
			LayerName: new("l"), VersionNumber: new(n), StatementId: new(sid), RevisionId: new(revision),
		})
		return err
	}
	get := func(n int64) (*awslambda.GetLayerVersionPolicyOutput, error) {
		return h.GetLayerVersionPolicy(h.ctx, &awslambda.GetLayerVersionPolicyInput{LayerName: new("l"), VersionNumber: new(n)})
	}
	_, err := get(1)
	shows(t, err, rnf+"No policy is associated with the given resource.")
	shows(t, remove(1, "s", ""), rnf+"No policy is associated with the given resource.")

	one := must(add("one", "999999999999", "", ""))
	const first = `{"Sid":"one","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999999999999:root"},"Action":"lambda:GetLayerVersion","Resource":"` + lARN + `:1"}`
	if *one.Statement != first {
		t.Errorf("got  %s\nwant %s", *one.Statement, first)
	}
	_, err = add("one", "*", "", "")
	shows(t, err, rc+"The statement id (one) provided already exists. Please provide a new statement id, or remove the existing statement.")
	const mismatch = "PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id"
	_, err = add("two", "*", "", "old")
	shows(t, err, mismatch)
	_, err = add("two", "999999999999", "o-abcdefghij", *one.RevisionId)
	shows(t, err, ipv+"OrganizationId is only valid with Principal *.")
	two := must(add("two", "*", "o-abcdefghij", *one.RevisionId))
	if *two.RevisionId == *one.RevisionId {
		t.Error("RevisionId stayed when the policy changed")
	}
	const second = `{"Sid":"two","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":"` + lARN + `:1","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-abcdefghij"}}}`
	policy := must(get(1))
	if want := `{"Version":"2012-10-17","Id":"default","Statement":[` + first + "," + second + "]}"; *policy.Policy != want || *policy.RevisionId != *two.RevisionId {
		t.Errorf("got  %s (%s)\nwant %s (%s)", *policy.Policy, *policy.RevisionId, want, *two.RevisionId)
	}
	shows(t, remove(1, "one", "old"), mismatch)
	shows(t, remove(1, "three", ""), rnf+"Statement three is not found in resource policy.")
	shows(t, remove(2, "one", ""), rnf+"Layer version "+lARN+":2 does not exist.")
	shows(t, remove(1, "one", ""), "")
	shows(t, remove(1, "two", ""), "")
	_, err = get(1)
	shows(t, err, rnf+"No policy is associated with the given resource.")
	_, err = get(2)
	shows(t, err, rnf+"Layer version "+lARN+":2 does not exist.")
	var full error
	for i := 0; full == nil && i < 1000; i++ {
		_, full = add(fmt.Sprint("statement", i), "999999999999", "", "")
	}
	if e, ok := full.(*lambda.Error); !ok || e.Code != "PolicyLengthExceededException" { //nolint:errorlint // it is returned as it is
		t.Errorf("a policy without end: got %v, want PolicyLengthExceededException", full)
	}
}

// judge decides as IAM does for the root users of all accounts.
func judge(ctx context.Context, action, resource, document string) error {
	c := lambda.CallerFrom(ctx)
	everything, err := policy.Parse(policy.Identity, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	if err != nil {
		return err
	}
	layers := policy.Layers{
		Identity:     []policy.Source{{Name: "root", Policy: everything}},
		CrossAccount: !strings.Contains(resource, ":"+c.Account+":"),
	}
	if document != "" {
		p, err := policy.Parse(policy.Resource, document)
		if err != nil {
			return err
		}
		layers.Resource = []policy.Source{{Name: "resource", Policy: p}}
	}
	v := layers.Decide(&policy.Request{Action: action, Resource: resource, Principal: policy.Principal{Account: c.Account, ARN: c.ARN}})
	if !v.Allowed {
		return lambda.Errorf(lambda.CodeAccessDenied, "denied %s", resource)
	}
	return nil
}

func TestALayerOfAnotherAccountIsUsedByItsPolicyOnly(t *testing.T) {
	h := start(t, func(c *Config) { c.Allow = judge })
	arn := *h.layer("l", "one").LayerVersionArn
	stranger := caller()
	stranger.Account, stranger.ARN = "999999999999", "arn:aws:iam::999999999999:root"
	ctx := lambda.WithCaller(t.Context(), stranger)
	h.peers.mu.Lock()
	role := "arn:aws:iam::999999999999:role/lambda"
	h.peers.trusted[role] = true
	h.peers.mu.Unlock()
	get := func() error {
		_, err := h.GetLayerVersionByArn(ctx, &awslambda.GetLayerVersionByArnInput{Arn: new(arn)})
		return err
	}
	use := func(name, arn string) error {
		in := createInput(name)
		in.Role, in.Layers = new(role), []string{arn}
		_, err := h.CreateFunction(ctx, in)
		return err
	}
	shows(t, get(), "AccessDeniedException: denied "+arn)
	shows(t, use("f", arn), "AccessDeniedException: denied "+arn)
	shows(t, use("f", lARN+":9"), "AccessDeniedException: denied "+lARN+":9")
	must(h.AddLayerVersionPermission(h.ctx, &awslambda.AddLayerVersionPermissionInput{
		LayerName: new("l"), VersionNumber: new(int64(1)), StatementId: new("s"),
		Action: new("lambda:GetLayerVersion"), Principal: new("999999999999"),
	}))
	shows(t, get(), "")
	shows(t, use("f", arn), "")
}

func TestFunctionsKeepTheirLayers(t *testing.T) {
	h := start(t)
	one, two := h.layer("one", "1"), h.layer("two", "2")
	h.create("f", func(in *awslambda.CreateFunctionInput) {
		in.Layers = []string{*two.LayerVersionArn, *one.LayerVersionArn}
	})
	shown := h.config("f").Layers
	if len(shown) != 2 || *shown[0].Arn != *two.LayerVersionArn || shown[0].CodeSize != two.Content.CodeSize || *shown[1].Arn != *one.LayerVersionArn {
		t.Errorf("the configuration shows %v", shown)
	}
	runs := must(h.Lookup(fid("f"), "")).Version
	digest := func(name string) lambda.CodeDigest {
		return h.view.layer(layerID(fid(name))).versions[1].value.Code.Digest
	}
	dOne, dTwo := digest("one"), digest("two")
	if want := []lambda.CodeDigest{dTwo, dOne}; !slices.Equal(runs.Layers, want) {
		t.Errorf("the function runs with %v, want %v", runs.Layers, want)
	}
	published := h.publish("f")

	update := func(layers []string) error {
		_, err := h.UpdateFunctionConfiguration(h.ctx, &awslambda.UpdateFunctionConfigurationInput{FunctionName: new("f"), Layers: layers})
		h.awaitSettled("f")
		return err
	}
	shows(t, update(nil), "") // not given: they stay
	if got := h.config("f").Layers; len(got) != 2 {
		t.Errorf("a change of something else left %d layers, want 2", len(got))
	}
	h.deleteLayer("two", 1)
	if !h.view.referenced(dTwo) {
		t.Error("the package of a deleted layer version is not kept for the function that has it")
	}
	shows(t, update([]string{*two.LayerVersionArn}), ipv+"Layer version "+*two.LayerVersionArn+" does not exist.")
	if got := must(h.Lookup(fid("f"), "")).Version.Layers; len(got) != 2 {
		t.Errorf("a deleted layer version left the function with %d layers, want 2", len(got))
	}
	shows(t, update([]string{}), "")
	if got := h.config("f"); got.Layers != nil {
		t.Errorf("an empty list left %v", got.Layers)
	}
	if got := h.publish("f"); got == published {
		t.Error("a change of layers alone is not published as a new version")
	}
	must(h.DeleteFunction(h.ctx, &awslambda.DeleteFunctionInput{FunctionName: new("f")}))
	h.await("the packages' release", func() bool { return !h.view.referenced(dTwo) })
	if !h.view.referenced(dOne) {
		t.Error("the package of a layer that exists is not referenced")
	}
	usage := must(h.GetAccountSettings(h.ctx, &awslambda.GetAccountSettingsInput{})).AccountUsage
	if usage.TotalCodeSize != one.Content.CodeSize {
		t.Errorf("TotalCodeSize is %d, want the layer's %d", usage.TotalCodeSize, one.Content.CodeSize)
	}
}

// zipOfZeros unpacks to that many bytes and is a thousandth of it.
func zipOfZeros(t *testing.T, bytesUnpacked int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("zeros")
	if err == nil {
		_, err = io.CopyN(f, endless{}, bytesUnpacked)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestCodeAndLayersTogetherAreBounded(t *testing.T) {
	const mb = 1 << 20
	layers := []layerRef{{UnpackedSize: 100 * mb}, {UnpackedSize: 100 * mb}}
	for _, tc := range []struct {
		name   string
		code   int64
		layers []layerRef
		want   string
	}{
		{"all of it", 50 * mb, layers, ""},
		{"a byte more", 50*mb + 1, layers, ipv + "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. The actual size is 262144001 bytes."},
		{"layers alone", 1, append(layers, layers...), ipv + "Layers consume more than the available size of 262144000 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			shows(t, checkUnpacked(settings{Code: packageRecord{UnpackedSize: tc.code}, Layers: tc.layers}), tc.want)
		})
	}

	h := start(t)
	big := must(h.PublishLayerVersion(h.ctx, &awslambda.PublishLayerVersionInput{
		LayerName: new("big"), Content: &types.LayerVersionContentInput{ZipFile: zipOfZeros(t, lambda.UnzippedMax)},
	}))
	want := fmt.Sprintf("%sFunction code combined with layers exceeds the maximum allowed size of 262144000 bytes. The actual size is %d bytes.", ipv, lambda.UnzippedMax+2)
	in := createInput("f")
	in.Layers = []string{*big.LayerVersionArn}
	_, err := h.CreateFunction(h.ctx, in)
	shows(t, err, want)
	h.create("f")
	_, err = h.UpdateFunctionConfiguration(h.ctx, &awslambda.UpdateFunctionConfigurationInput{FunctionName: new("f"), Layers: in.Layers})
	shows(t, err, want)
}
