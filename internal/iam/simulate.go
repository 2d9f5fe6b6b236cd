package iam

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// simulation is what both Simulate operations ask: policies, and the questions to
// put to them. It looks at nothing but what it is given.
type simulation struct {
	layers    policy.Layers
	documents map[string]document // by the name of their policy.Source
	keys      []string            // that any of the documents names
	principal policy.Principal
	account   string
	caller    *lambda.Caller
	given     policy.Values
}

type document struct {
	text string
	kind types.PolicySourceType
}

// add parses a document and appends it to a layer.
func (m *simulation) add(to *[]policy.Source, kind policy.Kind, name, text string, source types.PolicySourceType) error {
	p, err := checkDocument(kind, text)
	if err != nil {
		if e, ok := err.(*lambda.Error); ok { //nolint:errorlint // checkDocument wraps nothing
			return lambda.Errorf(codeInvalidInput, "%s", e.Message)
		}
		return err
	}
	*to = append(*to, policy.Source{Name: name, Policy: p})
	m.documents[name] = document{text, source}
	m.keys = append(m.keys, policy.ContextKeys(text)...)
	return nil
}

// addInputs appends the documents of a request, under the names that AWS gives them.
func (m *simulation) addInputs(to *[]policy.Source, list string, texts []string) error {
	for i, text := range texts {
		if err := m.add(to, policy.Identity, fmt.Sprintf("%s.%d", list, i+1), text, types.PolicySourceTypeNone); err != nil {
			return err
		}
	}
	return nil
}

func (m *simulation) addResourcePolicy(text *string) error {
	if text == nil {
		return nil
	}
	return m.add(&m.layers.Resource, policy.Resource, "ResourcePolicy", *text, types.PolicySourceTypeResource)
}

func (m *simulation) give(entries []types.ContextEntry) {
	m.given = policy.Values{}
	for _, e := range entries {
		m.given[strings.ToLower(deref(e.ContextKeyName))] = e.ContextKeyValues
	}
}

// asked remembers which keys a decision looked for and did not find.
type asked struct {
	policy.Context
	missing []string // lower case
}

func (a *asked) Lookup(key string) ([]string, bool) {
	values, ok := a.Context.Lookup(key)
	if !ok && !slices.Contains(a.missing, key) {
		a.missing = append(a.missing, key)
	}
	return values, ok
}

// run answers for every action on every resource.
func (m *simulation) run(s *Service, actions, resources []string) []types.EvaluationResult {
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	var out []types.EvaluationResult
	for _, action := range actions {
		for _, resource := range resources {
			out = append(out, m.evaluate(s, action, resource))
		}
	}
	return out
}

func (m *simulation) evaluate(s *Service, action, resource string) types.EvaluationResult {
	ctx := &asked{Context: &requestContext{caller: m.caller, now: s.now, extra: m.given}}
	layers := m.layers
	owner := arnAccount(resource)
	layers.CrossAccount = owner != "" && owner != m.account && layers.Resource != nil
	v := layers.Decide(&policy.Request{Action: action, Resource: resource, Principal: m.principal, Context: ctx})
	decision := types.PolicyEvaluationDecisionTypeImplicitDeny
	switch {
	case v.Allowed:
		decision = types.PolicyEvaluationDecisionTypeAllowed
	case v.Decision.Effect == policy.Deny:
		decision = types.PolicyEvaluationDecisionTypeExplicitDeny
	}
	result := types.EvaluationResult{
		EvalActionName: &action, EvalResourceName: &resource, EvalDecision: decision,
		MatchedStatements: []types.Statement{}, MissingContextValues: []string{},
	}
	if v.Decision.Effect != policy.None {
		result.MatchedStatements = append(result.MatchedStatements, m.statement(v.Decision))
	}
	for _, key := range ctx.missing {
		if i := slices.IndexFunc(m.keys, func(k string) bool { return strings.EqualFold(k, key) }); i >= 0 {
			result.MissingContextValues = append(result.MissingContextValues, m.keys[i])
		}
	}
	if layers.Boundary != nil {
		alone := policy.Layers{Identity: layers.Boundary}
		allowed := alone.Decide(&policy.Request{Action: action, Resource: resource, Principal: m.principal, Context: ctx}).Allowed
		result.PermissionsBoundaryDecisionDetail = &types.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: allowed}
	}
	return result
}

func (m *simulation) statement(d policy.Decision) types.Statement {
	doc := m.documents[d.Policy]
	name := d.Policy
	out := types.Statement{SourcePolicyId: &name, SourcePolicyType: doc.kind}
	if start, end, ok := policy.StatementSpan(doc.text, d.Statement); ok {
		out.StartPosition = &types.Position{Line: int32(start.Line), Column: int32(start.Column)}
		out.EndPosition = &types.Position{Line: int32(end.Line), Column: int32(end.Column)}
	}
	return out
}

func (s *Service) simulateCustomPolicy(ctx context.Context, in *iam.SimulateCustomPolicyInput) (*iam.SimulateCustomPolicyOutput, error) {
	m := &simulation{documents: map[string]document{}}
	if err := m.addInputs(&m.layers.Identity, "PolicyInputList", in.PolicyInputList); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, m, deref(in.CallerArn), in.PermissionsBoundaryPolicyInputList, in.ResourcePolicy, in.ContextEntries); err != nil {
		return nil, err
	}
	p, err := pageResults(m.run(s, in.ActionNames, in.ResourceArns), in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.SimulateCustomPolicyOutput{EvaluationResults: p.items, IsTruncated: p.truncated, Marker: p.marker}, nil
}

func (s *Service) simulatePrincipalPolicy(ctx context.Context, in *iam.SimulatePrincipalPolicyInput) (*iam.SimulatePrincipalPolicyOutput, error) {
	m := &simulation{documents: map[string]document{}}
	if err := s.addPrincipal(ctx, m, deref(in.PolicySourceArn)); err != nil {
		return nil, err
	}
	if err := m.addInputs(&m.layers.Identity, "PolicyInputList", in.PolicyInputList); err != nil {
		return nil, err
	}
	caller := deref(in.CallerArn)
	if caller == "" && !strings.Contains(deref(in.PolicySourceArn), ":group/") {
		caller = deref(in.PolicySourceArn)
	}
	if err := s.prepare(ctx, m, caller, in.PermissionsBoundaryPolicyInputList, in.ResourcePolicy, in.ContextEntries); err != nil {
		return nil, err
	}
	p, err := pageResults(m.run(s, in.ActionNames, in.ResourceArns), in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.SimulatePrincipalPolicyOutput{EvaluationResults: p.items, IsTruncated: p.truncated, Marker: p.marker}, nil
}

// prepare adds what both operations have beside identity policies.
func (s *Service) prepare(ctx context.Context, m *simulation, callerARN string, boundary []string, resource *string, entries []types.ContextEntry) error {
	if len(boundary) > 0 {
		m.layers.Boundary = []policy.Source{}
		if err := m.addInputs(&m.layers.Boundary, "PermissionsBoundaryPolicyInputList", boundary); err != nil {
			return err
		}
	}
	if resource != nil && callerARN == "" {
		return lambda.Errorf(codeInvalidInput, "CallerArn is required when a ResourcePolicy is specified.")
	}
	if err := m.addResourcePolicy(resource); err != nil {
		return err
	}
	m.account = lambda.CallerFrom(ctx).Account
	m.caller = &lambda.Caller{Kind: lambda.PrincipalUser, Account: m.account, ARN: callerARN}
	if u, ok := s.userByARN(callerARN); ok {
		m.caller.UserID = u.ID
	}
	if r, ok := s.mirror.roleByARN(callerARN); ok {
		m.caller = &lambda.Caller{Kind: lambda.PrincipalAssumedRole, Account: r.account, ARN: callerARN, RoleARN: r.arn, UserID: r.ID}
	}
	m.principal = principalOf(m.caller)
	m.give(entries)
	return nil
}

// addPrincipal adds the policies of a user, with its groups', of a group or a role.
func (s *Service) addPrincipal(ctx context.Context, m *simulation, arn string) error {
	account := lambda.CallerFrom(ctx).Account
	none := func(kind string) error {
		return lambda.Errorf(codeNoSuchEntity, "The specified %s %s does not exist.", kind, arn)
	}
	if arnAccount(arn) != account {
		return lambda.Errorf(codeInvalidInput, "Invalid Entity Arn: %s does not clearly define entity type and name.", arn)
	}
	if u, ok := s.userByARN(arn); ok {
		if err := s.addSet(m, "user", u.Name, &u.policySet); err != nil {
			return err
		}
		for _, g := range s.groupsOf(u) {
			if err := s.addSet(m, "group", g.Name, &g.policySet); err != nil {
				return err
			}
		}
		return s.addBoundary(m, u.Boundary)
	}
	if r, ok := s.mirror.roleByARN(arn); ok {
		if err := s.addSet(m, "role", r.Name, &r.policySet); err != nil {
			return err
		}
		return s.addBoundary(m, r.Boundary)
	}
	if account, name, ok := nameOfARN(arn, "group"); ok {
		if g, ok := s.groups.get(entityKey(account, name)); ok && g.arn == arn {
			return s.addSet(m, "group", g.Name, &g.policySet)
		}
		return none("group")
	}
	if strings.Contains(arn, ":role/") {
		return none("role")
	}
	return none("user")
}

func (s *Service) addBoundary(m *simulation, arn string) error {
	if arn == "" {
		return nil
	}
	m.layers.Boundary = []policy.Source{}
	return s.addManagedTo(m, &m.layers.Boundary, []string{arn})
}

func (s *Service) addSet(m *simulation, kind, owner string, p *policySet) error {
	for _, in := range p.Inline {
		name := kind + "_" + owner + "_" + in.Name
		if err := m.add(&m.layers.Identity, policy.Identity, name, in.Document, types.PolicySourceType(kind)); err != nil {
			return err
		}
	}
	return s.addManagedTo(m, &m.layers.Identity, p.Attached)
}

func (s *Service) addManagedTo(m *simulation, to *[]policy.Source, arns []string) error {
	for _, arn := range arns {
		p, ok := s.mirror.policyByARN(arn)
		if !ok {
			continue
		}
		kind := types.PolicySourceTypeUserManaged
		if p.account == awsAccount {
			kind = types.PolicySourceTypeAwsManaged
		}
		v, _ := p.version(p.Default)
		if err := m.add(to, policy.Identity, p.Name, v.Document, kind); err != nil {
			return err
		}
	}
	return nil
}

func pageResults(all []types.EvaluationResult, marker *string, maxItems *int32) (page[types.EvaluationResult], error) {
	type numbered struct {
		key    string
		result types.EvaluationResult
	}
	items := make([]numbered, len(all))
	for i, r := range all {
		items[i] = numbered{fmt.Sprintf("%06d", i), r}
	}
	p, err := paginate(items, func(n numbered) string { return n.key }, marker, maxItems)
	out := page[types.EvaluationResult]{items: []types.EvaluationResult{}, marker: p.marker, truncated: p.truncated}
	for _, n := range p.items {
		out.items = append(out.items, n.result)
	}
	return out, err
}

func (s *Service) getContextKeysForCustomPolicy(_ context.Context, in *iam.GetContextKeysForCustomPolicyInput) (*iam.GetContextKeysForCustomPolicyOutput, error) {
	m := &simulation{documents: map[string]document{}}
	if err := m.addInputs(&m.layers.Identity, "PolicyInputList", in.PolicyInputList); err != nil {
		return nil, err
	}
	return &iam.GetContextKeysForCustomPolicyOutput{ContextKeyNames: distinct(m.keys)}, nil
}

func (s *Service) getContextKeysForPrincipalPolicy(ctx context.Context, in *iam.GetContextKeysForPrincipalPolicyInput) (*iam.GetContextKeysForPrincipalPolicyOutput, error) {
	m := &simulation{documents: map[string]document{}}
	if err := s.addPrincipal(ctx, m, deref(in.PolicySourceArn)); err != nil {
		return nil, err
	}
	if err := m.addInputs(&m.layers.Identity, "PolicyInputList", in.PolicyInputList); err != nil {
		return nil, err
	}
	return &iam.GetContextKeysForPrincipalPolicyOutput{ContextKeyNames: distinct(m.keys)}, nil
}

// distinct sorts keys and leaves out those that differ in case only.
func distinct(keys []string) []string {
	out := slices.Clone(keys)
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	out = slices.CompactFunc(out, strings.EqualFold)
	if out == nil {
		out = []string{}
	}
	return out
}
