package iam

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// mustUser makes a user with an inline policy and returns it as a caller, as its
// new access key proves it.
func (f *fixture) mustUser(tb testing.TB, name, document string) lambda.Caller {
	tb.Helper()
	if _, err := f.createUser(asRoot(tb), &iam.CreateUserInput{UserName: &name}); err != nil {
		tb.Fatalf("create user %s: %v", name, err)
	}
	if document != "" {
		_, err := f.putUserPolicy(asRoot(tb), &iam.PutUserPolicyInput{UserName: &name, PolicyName: new("own"), PolicyDocument: &document})
		if err != nil {
			tb.Fatal(err)
		}
	}
	id, _ := f.mustKey(tb, name)
	return f.mustLookup(tb, id)
}

func (f *fixture) mustKey(tb testing.TB, user string) (id, secret string) {
	tb.Helper()
	out, err := f.createAccessKey(asRoot(tb), &iam.CreateAccessKeyInput{UserName: &user})
	if err != nil {
		tb.Fatalf("create a key of %s: %v", user, err)
	}
	return *out.AccessKey.AccessKeyId, *out.AccessKey.SecretAccessKey
}

func (f *fixture) mustLookup(tb testing.TB, id string) lambda.Caller {
	tb.Helper()
	found, err := f.Lookup(tb.Context(), id, "")
	if err != nil {
		tb.Fatalf("look up %s: %v", id, err)
	}
	return found.Caller
}

// asAdmin is a context of a user who may do everything.
func (f *fixture) asAdmin(tb testing.TB) context.Context {
	return lambda.WithCaller(tb.Context(), f.mustUser(tb, "admin", allowDocument("*", "*")))
}

func TestAUserMayDoWhatItsPoliciesAndGroupsAllow(t *testing.T) {
	f := open(t, nil)
	c := f.mustUser(t, "ann", allowDocument("lambda:Get*", "*"))
	group := new("team")
	for _, err := range []error{
		second(f.createGroup(asRoot(t), &iam.CreateGroupInput{GroupName: group})),
		second(f.putGroupPolicy(asRoot(t), &iam.PutGroupPolicyInput{GroupName: group, PolicyName: new("p"), PolicyDocument: new(allowDocument("sqs:*", "*"))})),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	may := func(action string) bool { return f.Authorize(t.Context(), c, action, "*") == nil }
	if !may("lambda:GetFunction") || may("lambda:DeleteFunction") || may("sqs:SendMessage") {
		t.Error("alone: the user's own policy does not decide")
	}
	if _, err := f.addUserToGroup(asRoot(t), &iam.AddUserToGroupInput{GroupName: group, UserName: new("ANN")}); err != nil {
		t.Fatal(err)
	}
	if !may("sqs:SendMessage") {
		t.Error("in the group: its policy does not count")
	}
	if _, err := f.updateGroup(asRoot(t), &iam.UpdateGroupInput{GroupName: group, NewGroupName: new("crew")}); err != nil {
		t.Fatal(err)
	}
	if !may("sqs:SendMessage") {
		t.Error("after the group was renamed: its policy does not count")
	}
	if _, err := f.putUserPermissionsBoundary(asRoot(t), &iam.PutUserPermissionsBoundaryInput{UserName: new("ann"), PermissionsBoundary: new("arn:aws:iam::aws:policy/AmazonSQSFullAccess")}); err != nil {
		t.Fatal(err)
	}
	if may("lambda:GetFunction") || !may("sqs:SendMessage") {
		t.Error("with a boundary: it does not bound")
	}
	if _, err := f.removeUserFromGroup(asRoot(t), &iam.RemoveUserFromGroupInput{GroupName: new("crew"), UserName: new("ann")}); err != nil {
		t.Fatal(err)
	}
	wantError(t, f.Authorize(t.Context(), c, "sqs:SendMessage", "*"), lambda.CodeAccessDenied,
		"User: arn:aws:iam::000000000000:user/ann is not authorized to perform: sqs:SendMessage on resource: * because no identity-based policy allows the sqs:SendMessage action")
}

func second[T any](_ T, err error) error { return err }

func TestAUserIsRenamedWithEverythingThatHangsOnIt(t *testing.T) {
	f := open(t, nil)
	c := f.mustUser(t, "ann", allowDocument("lambda:*", "*"))
	f.mustUser(t, "bob", "")
	_, err := f.updateUser(asRoot(t), &iam.UpdateUserInput{UserName: new("ann"), NewUserName: new("Bob")})
	wantError(t, err, codeAlreadyExists, "User with name Bob already exists.")
	if _, err := f.updateUser(asRoot(t), &iam.UpdateUserInput{UserName: new("ann"), NewUserName: new("anna"), NewPath: new("/x/")}); err != nil {
		t.Fatal(err)
	}
	now := f.mustLookup(t, c.AccessKeyID)
	if now.ARN != "arn:aws:iam::000000000000:user/x/anna" || now.UserID != c.UserID {
		t.Errorf("the key proves %s %s, want the renamed user %s", now.ARN, now.UserID, c.UserID)
	}
	if err := f.Authorize(t.Context(), now, "lambda:GetFunction", "*"); err != nil {
		t.Errorf("after the renaming: %v", err)
	}
	if _, err := f.getUserOperation(asRoot(t), &iam.GetUserInput{UserName: new("ann")}); err == nil {
		t.Error("the old name is still there")
	}
}

func TestAUserIsDeletedOnlyWhenNothingHangsOnIt(t *testing.T) {
	f := open(t, nil)
	c := f.mustUser(t, "ann", allowDocument("lambda:*", "*"))
	ctx, name, group := asRoot(t), new("ann"), new("g")
	del := func() error { return second(f.deleteUser(ctx, &iam.DeleteUserInput{UserName: name})) }
	for _, step := range []struct {
		refusal string
		then    func() error
	}{
		{"Cannot delete entity, must delete access keys first.", func() error {
			return second(f.deleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: name, AccessKeyId: &c.AccessKeyID}))
		}},
		{"Cannot delete entity, must delete policies first.", func() error {
			return second(f.deleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: name, PolicyName: new("own")}))
		}},
		{"", func() error {
			return errors.Join(second(f.createGroup(ctx, &iam.CreateGroupInput{GroupName: group})),
				second(f.addUserToGroup(ctx, &iam.AddUserToGroupInput{UserName: name, GroupName: group})))
		}},
		{"Cannot delete entity, must remove users from group first.", func() error {
			wantError(t, second(f.deleteGroup(ctx, &iam.DeleteGroupInput{GroupName: group})), codeDeleteConflict, "Cannot delete entity, must remove users from group first.")
			return second(f.removeUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{UserName: name, GroupName: group}))
		}},
	} {
		if step.refusal != "" {
			wantError(t, del(), codeDeleteConflict, step.refusal)
		}
		if err := step.then(); err != nil {
			t.Fatal(err)
		}
	}
	if err := del(); err != nil {
		t.Fatal(err)
	}
	if err := f.Authorize(t.Context(), c, "lambda:GetFunction", "*"); err == nil {
		t.Error("a deleted user may still call")
	}
	wantError(t, del(), codeNoSuchEntity, "The user with name ann cannot be found.")
}

func TestAccessKeys(t *testing.T) {
	f := open(t, nil)
	c := f.mustUser(t, "ann", "")
	id, secret := f.mustKey(t, "ann")
	_, err := f.createAccessKey(asRoot(t), &iam.CreateAccessKeyInput{UserName: new("ann")})
	wantError(t, err, codeLimitExceeded, "Cannot exceed quota for AccessKeysPerUser: 2")

	rec, err := f.cfg.Store.Get(t.Context(), "iam.key", id)
	if err != nil || bytes.Contains(rec.Value, []byte(secret)) {
		t.Errorf("the record contains the secret, or cannot be read: %v", err)
	}
	f.reopen(t)
	if got, err := f.Lookup(t.Context(), id, ""); err != nil || got.SecretAccessKey != secret {
		t.Errorf("after a restart: error %v", err)
	}
	setStatus := func(s types.StatusType) {
		t.Helper()
		if _, err := f.updateAccessKey(asRoot(t), &iam.UpdateAccessKeyInput{UserName: new("ann"), AccessKeyId: &id, Status: s}); err != nil {
			t.Fatal(err)
		}
	}
	setStatus(types.StatusTypeInactive)
	if _, err := f.Lookup(t.Context(), id, ""); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("an inactive key: got %v, want %v", err, ErrUnknownKey)
	}
	setStatus(types.StatusTypeActive)
	if _, err := f.Lookup(t.Context(), id, ""); err != nil {
		t.Errorf("active again: %v", err)
	}

	used := func() *types.AccessKeyLastUsed {
		t.Helper()
		out, err := f.getAccessKeyLastUsed(asRoot(t), &iam.GetAccessKeyLastUsedInput{AccessKeyId: &c.AccessKeyID})
		if err != nil || *out.UserName != "ann" {
			t.Fatalf("got %+v, %v", out, err)
		}
		return out.AccessKeyLastUsed
	}
	if u := used(); *u.ServiceName != "N/A" || u.LastUsedDate != nil {
		t.Errorf("before any use: %+v", u)
	}
	c.Region = "eu-west-1"
	_ = f.Authorize(t.Context(), c, "lambda:GetFunction", "*")
	if u := used(); *u.ServiceName != "lambda" || *u.Region != "eu-west-1" || !u.LastUsedDate.Equal(testStart) {
		t.Errorf("after use: %s in %s at %v", *u.ServiceName, *u.Region, u.LastUsedDate)
	}
	info, err := f.getAccessKeyInfo(asRoot(t), &sts.GetAccessKeyInfoInput{AccessKeyId: &id})
	if err != nil || *info.Account != account {
		t.Errorf("the key's account: %v, %v", info, err)
	}
}

func TestAnAccessKeyIDTellsItsAccount(t *testing.T) {
	for _, account := range []string{"000000000000", "123456789012", "999999999999"} {
		id := newAccessKeyID("AKIA", account)
		if got, ok := accountOfKey(id); !ok || got != account || len(id) != 20 {
			t.Errorf("%s: got %s, ok %v, want %s", id, got, ok, account)
		}
	}
	for _, id := range []string{"", "test", "AKIA0000000000000000", strings.Repeat("A", 200)} {
		if _, ok := accountOfKey(id); ok {
			t.Errorf("%q tells an account", id)
		}
	}
}

// TestAccountsAreIsolated holds what the accounts of a node may see of each other.
func TestAccountsAreIsolated(t *testing.T) {
	f := open(t, nil)
	f.mustCreateRole(t, "r", lambdaTrust)
	a, id, secret, err := f.CreateAccount(t.Context(), "second", "")
	if err != nil || len(a.ID) != 12 || secret == "" {
		t.Fatalf("got %+v, %v", a, err)
	}
	other := f.mustLookup(t, id)
	if other.Kind != lambda.PrincipalRoot || other.Account != a.ID {
		t.Fatalf("the key proves %+v", other)
	}
	ctx := lambda.WithCaller(t.Context(), other)
	if _, err := f.getRoleOperation(ctx, &iam.GetRoleInput{RoleName: new("r")}); err == nil {
		t.Error("the other account sees the role")
	}
	wantError(t, f.Authorize(t.Context(), other, "lambda:GetFunction", function), lambda.CodeAccessDenied, "")
	if err := f.Authorize(t.Context(), other, "lambda:GetFunction", strings.Replace(function, account, a.ID, 1)); err != nil {
		t.Errorf("its root on its own: %v", err)
	}
	if _, err := f.createUser(ctx, &iam.CreateUserInput{UserName: new("ann")}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.getUserOperation(asRoot(t), &iam.GetUserInput{UserName: new("ann")}); err == nil {
		t.Error("the first account sees the other's user")
	}
	_, _, _, err = f.CreateAccount(t.Context(), "third", a.ID)
	wantError(t, err, lambda.CodeResourceConflict, "Account "+a.ID+" exists already.")
	_, _, _, err = f.CreateAccount(t.Context(), "second", "")
	wantError(t, err, lambda.CodeResourceConflict, "")
	if all := f.Accounts(); len(all) != 2 || !all[0].First || all[1].First {
		t.Errorf("got %+v", all)
	}
	if f.IsFirstRoot(other) || !f.IsFirstRoot(lambda.CallerFrom(asRoot(t))) {
		t.Error("the wrong root may manage accounts")
	}
}

// TestNoSecretReachesLogsOrErrors makes every kind of secret, provokes errors with
// each and looks for them in everything that was logged or answered.
func TestNoSecretReachesLogsOrErrors(t *testing.T) {
	var log bytes.Buffer
	f := open(t, func(c *Config) {
		c.TestKeys = false
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	_, rootSecret, _ := f.NewRootKey()
	user := f.mustUser(t, "ann", allowDocument("*", "*"))
	keyID, keySecret := f.mustKey(t, "ann")
	f.mustCreateRole(t, "r", trustFor(account))
	creds, err := f.MintRoleSession(t.Context(), roleARN(account, "/", "r"), "s", 1e12)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{rootSecret, keySecret, creds.SecretAccessKey, creds.SessionToken, "eyJhbGciOi.secret.token"}
	var said []string
	hear := func(err error) {
		if err != nil {
			said = append(said, err.Error())
		}
	}
	for _, s := range secrets {
		_, err := f.Lookup(t.Context(), s, "")
		hear(err)
		_, err = f.Lookup(t.Context(), creds.AccessKeyID, s+"x")
		hear(err)
		_, err = f.Lookup(t.Context(), keyID, s)
		hear(err)
	}
	ctx := lambda.WithCaller(t.Context(), user)
	hear(second(f.assumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: new(roleARN(account, "/", "r")), RoleSessionName: new("s"), WebIdentityToken: new("eyJhbGciOi.secret.token"),
	})))
	hear(second(f.createAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: new("ann")})))
	rec, err := f.cfg.Store.Get(t.Context(), "iam.key", keyID)
	if err != nil {
		t.Fatal(err)
	}
	f.keys.rows.Put(t.Context(), "AKIASTOLEN", keyRecord{Account: account, Sealed: rec.Value}, 0) // what it logs counts
	if len(said) < 10 || log.Len() == 0 {
		t.Fatalf("got %d errors and %d bytes of log: the test provokes too little", len(said), log.Len())
	}
	for _, s := range secrets {
		if strings.Contains(log.String(), s) || strings.Contains(strings.Join(said, "\n"), s) {
			t.Errorf("the secret %.8s… was logged or told", s)
		}
	}
}
