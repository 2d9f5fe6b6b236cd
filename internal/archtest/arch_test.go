package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/hearthfaas/hearth"

// layer is a set of packages and what they may import of this module.
type layer struct {
	packages []string // paths below internal/; "x/..." covers x and what is below
	may      []string
	because  string
}

var layers = []layer{
	{
		packages: []string{"lambda"},
		may:      nil,
		because:  "the vocabulary is imported by all, so it imports nobody",
	},
	{
		packages: []string{"store/...", "storetest", "wire/..."},
		may:      []string{"lambda", "store/...", "storetest", "wire/..."},
		because:  "mechanisms know no component",
	},
	{
		packages: []string{"loadbalancer"},
		may:      nil,
		because:  "the load balancer passes requests on and knows nothing of what is in them",
	},
	{
		packages: []string{"rpc"},
		may:      nil,
		because:  "the transport between processes knows who asks and not what",
	},
	{
		packages: []string{"fleet"},
		may:      []string{"lambda", "rpc"},
		because:  "workers in other processes are known by what they say over rpc; their parts meet through interfaces that node passes in",
	},
	{
		packages: []string{"relay"},
		may:      []string{"lambda"},
		because:  "frontends and the control process exchange what the edge reads and writes, without knowing it; node passes in the edge, the workers and the transport",
	},
	{
		packages: []string{"awshttp"},
		may:      nil,
		because:  "an HTTP client knows no component",
	},
	{
		packages: []string{"schedule"},
		may:      []string{"lambda"},
		because:  "an expression knows nothing of what runs when it is due",
	},
	{
		packages: []string{"pattern"},
		may:      nil,
		because:  "a matcher of JSON knows nothing of who matches what",
	},
	{
		packages: []string{"eventbridge"},
		may:      []string{"lambda", "queue", "store", "wire/...", "pattern", "schedule"},
		because:  "EventBridge reaches its targets and identity through interfaces that node passes in",
	},
	{
		packages: []string{"scheduler"},
		may:      []string{"lambda", "schedule", "store", "store/mem", "wire"},
		because:  "schedules call their targets through an interface that node passes in",
	},
	{
		packages: []string{"queue"},
		may:      []string{"lambda", "store/filelock", "store/newfile", "store/groupcommit"},
		because:  "the queue engine knows nothing of who queues what",
	},
	{
		packages: []string{"asyncinvoke"},
		may:      []string{"lambda", "queue"},
		because:  "events wait in queues that asyncinvoke owns, and run through interfaces that node passes in",
	},
	{
		packages: []string{"dynamodb/..."},
		may:      []string{"lambda", "store/filelock", "store/newfile", "store/groupcommit", "wire", "wire/constraint", "dynamodb/..."},
		because:  "DynamoDB keeps its own file, and asks identity through its own interface",
	},
	{
		packages: []string{"metrics"},
		may:      []string{"lambda", "store/filelock", "store/newfile", "wire"},
		because:  "metrics are told what happened and ask nobody; node passes them what others count",
	},
	{
		packages: []string{"sqs"},
		may:      []string{"lambda", "queue", "store", "wire"},
		because:  "SQS is an API over the queue engine; identity reaches it through what node passes in",
	},
	{
		packages: []string{"sns"},
		may:      []string{"lambda", "queue", "store", "wire", "pattern"},
		because:  "SNS delivers from queues of its own; queues, functions and identity are interfaces that node passes in",
	},
	{
		packages: []string{"eventsource/..."},
		may:      []string{"lambda", "pattern", "store", "eventsource/..."},
		because:  "pollers reach sources, functions and roles through interfaces that node passes in",
	},
	{
		packages: []string{"sandbox/...", "sandboxtest"},
		may:      []string{"lambda", "sandbox/...", "sandboxtest"},
		because:  "a driver knows its family and nobody above it",
	},
	{
		packages: []string{"counter", "placement", "workermanager", "frontend"},
		may:      []string{"lambda"},
		because:  "components of the invoke path meet through interfaces that node passes in, so that one process and many are the same code",
	},
	{
		packages: []string{"sim/..."},
		may:      []string{"lambda", "counter", "placement", "workermanager", "frontend", "sim/..."},
		because:  "the simulation is the invoke path over simulated workers; what it needs of others it makes up",
	},
	{
		packages: []string{"code/...", "runtimeapi", "runtimes/..."},
		may:      []string{"lambda", "sandbox"},
		because:  "what a worker owns knows no component",
	},
	{
		packages: []string{"worker"},
		may:      []string{"lambda", "sandbox", "runtimeapi", "runtimes", "code"},
		because:  "a parent imports what it owns and no peer",
	},
	{
		packages: []string{"controlplane", "iam/...", "logs/..."},
		may:      []string{"lambda", "pattern", "store", "wire/...", "code", "iam/...", "logs/...", "store/mem", "store/sqlite", "sandbox"},
		because:  "services meet each other through interfaces that node passes in",
	},
	{
		packages: []string{"s3/..."},
		may:      []string{"lambda", "store", "store/sqlite", "awsapi/sigv4", "wire", "s3/..."},
		because:  "S3 speaks its own protocol with the edge's signatures, and asks identity through its own interface; its notes are written like the others'",
	},
	{
		packages: []string{"httpevent"},
		may:      nil,
		because:  "events and responses of HTTP know no component",
	},
	{
		packages: []string{"apigateway/..."},
		may:      []string{"lambda", "httpevent", "store", "store/mem", "wire", "apigateway/..."},
		because:  "API Gateway meets identity, the edge's signatures and the frontend through interfaces that node passes in",
	},
	{
		packages: []string{"functionurl"},
		may:      []string{"lambda", "httpevent"},
		because:  "function URLs meet the control plane, identity and the frontend through interfaces that node passes in",
	},
	{
		packages: []string{"awsapi/..."},
		may:      []string{"lambda", "wire/...", "awsapi/..."},
		because:  "the edge knows shapes and signatures, not business rules",
	},
}

// forbidden are pairs inside a layer that its list alone would allow.
var forbidden = []struct{ from, to, because string }{
	{"controlplane", "iam", "the control plane asks for roles through its own interface"},
	{"controlplane", "logs", "the control plane does not read logs"},
	{"iam", "code", "identities know nothing of packages"},
	{"logs", "iam", "the edge authorises, not the service"},
	{"iam", "logs", "identities know nothing of logs"},
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func list(t *testing.T) map[string]goPackage {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", module+"/internal/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string]goPackage{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("decode go list: %v", err)
		}
		all[strings.TrimPrefix(p.ImportPath, module+"/internal/")] = p
	}
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if below, ok := strings.CutSuffix(p, "/..."); ok {
			return name == below || strings.HasPrefix(name, below+"/")
		}
		return name == p
	})
}

func TestImportsFollowTheLayers(t *testing.T) {
	all := list(t)
	for _, l := range layers {
		for _, pattern := range l.packages {
			if !slices.ContainsFunc(slices.Collect(keys(all)), func(n string) bool { return matches([]string{pattern}, n) }) {
				t.Errorf("the rule for %s names a package that does not exist", pattern)
			}
		}
		for name, p := range all {
			if !matches(l.packages, name) {
				continue
			}
			for _, imported := range p.Imports {
				short, ours := strings.CutPrefix(imported, module+"/internal/")
				if ours && short != name && !matches(l.may, short) {
					t.Errorf("%s imports %s, but %s", name, short, l.because)
				}
			}
		}
	}
	for _, f := range forbidden {
		if slices.Contains(all[f.from].Imports, module+"/internal/"+f.to) {
			t.Errorf("%s imports %s, but %s", f.from, f.to, f.because)
		}
	}
}

func TestForeignWorldsStayBehindOneDoor(t *testing.T) {
	doors := []struct {
		prefix  string
		may     []string
		because string
	}{
		{"modernc.org/sqlite", []string{"store/sqlite", "store/newfile", "logs", "queue", "dynamodb/disk", "metrics"}, "the engine's driver stays with the stores"},
		{"github.com/opencontainers/cgroups", []string{"sandbox/namespace/..."}, "cgroups stay with the driver"},
		{"github.com/elastic/go-seccomp-bpf", []string{"sandbox/namespace/..."}, "seccomp stays with the driver"},
		{"github.com/spf13/cobra", []string{"cli/..."}, "flags stay with the command line"},
		{"github.com/aws/aws-sdk-go-v2", []string{"apigateway/...", "wire/...", "awsapi/...", "controlplane", "iam/...", "logs/...", "dynamodb/...", "metrics", "sqs", "sns", "scheduler", "eventbridge", "eventsource/...", "cli/...", "demo", "bundle", "harness", "compat", "awshttp", "node"}, "the invoke path speaks no SDK; node uses its types to call its services"},
	}
	for name, p := range list(t) {
		for _, imported := range p.Imports {
			for _, d := range doors {
				if strings.HasPrefix(imported, d.prefix) && !matches(d.may, name) {
					t.Errorf("%s imports %s, but %s", name, imported, d.because)
				}
			}
		}
	}
}

func TestOnlyNodeAndTheCommandLineImportNode(t *testing.T) {
	for name, p := range list(t) {
		if slices.Contains(p.Imports, module+"/internal/node") && !matches([]string{"node", "cli/..."}, name) {
			t.Errorf("%s imports node, but node imports everybody", name)
		}
	}
}

func keys(m map[string]goPackage) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
