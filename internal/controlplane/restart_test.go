package controlplane

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"reflect"
	"testing"
	"testing/synctest"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/store/sqlite"
)

// engines open a store that an earlier call may have filled; the one before is
// closed first.
var engines = map[string]func(*testing.T) func() store.Store{
	"memory": func(*testing.T) func() store.Store {
		st := newMem()
		return func() store.Store { return st }
	},
	"sqlite": func(t *testing.T) func() store.Store {
		path := filepath.Join(t.TempDir(), "state.db")
		var st *sqlite.Store
		t.Cleanup(func() { st.Close() })
		return func() store.Store {
			if st != nil {
				if err := st.Close(); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if st, err = sqlite.Open(t.Context(), path, slog.New(slog.DiscardHandler)); err != nil {
				t.Fatal(err)
			}
			return st
		}
	},
}

func onEveryEngine(t *testing.T, test func(t *testing.T, open func() store.Store)) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) { test(t, engine(t)) })
	}
}

// A process that dies while a function is Pending, or an update is in progress,
// leaves that to the next one. The gate keeps the first process from ending the
// transition before it is stopped.
func TestTheNextProcessEndsWhatOneLeftPending(t *testing.T) {
	onEveryEngine(t, testNextProcess)
}

func testNextProcess(t *testing.T, open func() store.Store) {
	first := startOn(t, open(), &peers{})
	first.create("updated")
	first.stop()

	held := &peers{gate: make(chan struct{})}
	second := startOn(t, open(), held)
	must(second.CreateFunction(second.ctx, createInput("created")))
	must(second.UpdateFunctionCode(second.ctx, &awslambda.UpdateFunctionCodeInput{
		FunctionName: new("updated"), ZipFile: zipWith("v2"), Publish: true,
	}))
	second.stop()

	third := startOn(t, open(), &peers{})
	third.awaitSettled("created")
	third.awaitSettled("updated")
	for _, name := range []string{"created", "updated", "updated:1"} {
		if got := third.config(name); got.State != types.StateActive || got.LastUpdateStatus != types.LastUpdateStatusSuccessful {
			t.Errorf("%s is %s, %s", name, got.State, got.LastUpdateStatus)
		}
	}
	if got := len(third.peers.warmed); got != 2 {
		t.Errorf("%d versions were prepared, want 2: one for each function", got)
	}
}

// What a process has in memory is what the next one loads.
func TestTheStateIsTheSameAfterARestart(t *testing.T) {
	onEveryEngine(t, testSameState)
}

func testSameState(t *testing.T, open func() store.Store) {
	h := startOn(t, open(), &peers{})
	h.create("f", func(in *awslambda.CreateFunctionInput) {
		in.Tags = map[string]string{"a": "b"}
		in.Environment = &types.Environment{}
	})
	h.create("gone")
	h.publish("f")
	h.updateCode("f", "v2")
	h.publish("f")
	h.alias("prod", "2")
	must(h.AddPermission(h.ctx, permission("s1")))
	must(h.PutFunctionConcurrency(h.ctx, &awslambda.PutFunctionConcurrencyInput{FunctionName: new("f"), ReservedConcurrentExecutions: new(int32(7))}))
	must(h.PutFunctionEventInvokeConfig(h.ctx, &awslambda.PutFunctionEventInvokeConfigInput{FunctionName: new("f"), MaximumRetryAttempts: new(int32(0))}))
	must(h.DeleteFunction(h.ctx, &awslambda.DeleteFunctionInput{FunctionName: new("gone")}))
	h.stop()

	again := startOn(t, open(), &peers{})
	a, b := h.view.function(fid("f")), again.view.function(fid("f"))
	if !reflect.DeepEqual(jsonOf(a), jsonOf(b)) {
		t.Errorf("before: %s\nafter:  %s", jsonOf(a), jsonOf(b))
	}
	if *a.reserved != *b.reserved || len(b.aliases) != 1 || len(b.policies) != 1 || len(b.eventInvokes) != 1 {
		t.Errorf("after: reserved %v, %d aliases, %d policies, %d event configurations", b.reserved, len(b.aliases), len(b.policies), len(b.eventInvokes))
	}
	ra, rb := h.view.regions[homeOf(fid("f"))], again.view.regions[homeOf(fid("f"))]
	if ra.codeBytes != rb.codeBytes || !reflect.DeepEqual(ra.names, rb.names) || !reflect.DeepEqual(h.view.digests, again.view.digests) {
		t.Errorf("before: %d bytes of %v\nafter:  %d bytes of %v", ra.codeBytes, ra.names, rb.codeBytes, rb.names)
	}
}

// jsonOf is a function's records as text.
func jsonOf(f *function) string {
	versions := make(map[int]versionRecord)
	for n, v := range f.versions {
		versions[n] = v.value
	}
	return compactJSON([]any{f.record.value, versions, f.aliases["prod"].value, f.policies["$LATEST"].value, f.eventInvokes["$LATEST"].value})
}

func TestRunCanBeCalledOnce(t *testing.T) {
	h := start(t)
	if err := h.Run(h.ctx); err == nil {
		t.Error("a second Run goes through")
	}
}

// refusing is a store whose preconditions never hold.
type refusing struct{ store.Store }

func (refusing) Apply(context.Context, ...store.Change) ([]store.Record, error) {
	return nil, store.ErrConflict
}

func TestAChangeIsGivenUpWhenTheViewAndTheStoreDisagree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := startOn(t, refusing{newMem()}, &peers{})
		if _, err := h.CreateFunction(h.ctx, createInput("f")); !errors.Is(err, store.ErrConflict) {
			t.Errorf("CreateFunction = %v, want store.ErrConflict", err)
		}
		h.stop()
	})
}
