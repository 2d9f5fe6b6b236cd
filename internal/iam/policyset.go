package iam

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// policySet is what hangs on a user, group or role.
type policySet struct {
	Inline   []inlineRecord `json:"inline,omitempty"`   // by name
	Attached []string       `json:"attached,omitempty"` // policy ARNs, sorted
}

// holder says whose policy set it is, for texts and quotas (IAM quotas page).
type holder struct {
	kind      string // "role"
	plural    string // as in PoliciesPerRole
	inlineMax int    // characters of all inline policies together
}

var (
	userHolder  = holder{"user", "User", 2048}
	groupHolder = holder{"group", "Group", 5120}
	roleHolder  = holder{"role", "Role", 10240}
)

func (p policySet) clone() policySet {
	return policySet{slices.Clone(p.Inline), slices.Clone(p.Attached)}
}

func (p *policySet) find(name string) int {
	return slices.IndexFunc(p.Inline, func(in inlineRecord) bool { return in.Name == name })
}

func (h holder) noInline(name string) *lambda.Error {
	return lambda.Errorf(codeNoSuchEntity, "The %s policy with name %s cannot be found.", h.kind, name)
}

// put adds or replaces an inline policy of the entity called owner.
func (p *policySet) put(h holder, owner, name, document string) error {
	if _, err := checkDocument(policy.Identity, document); err != nil {
		return err
	}
	rec := inlineRecord{Name: name, Document: document}
	if i := p.find(name); i >= 0 {
		p.Inline[i] = rec
	} else {
		p.Inline = append(p.Inline, rec)
	}
	slices.SortFunc(p.Inline, func(a, b inlineRecord) int { return strings.Compare(a.Name, b.Name) })
	size := 0
	for _, in := range p.Inline {
		size += documentSize(in.Document)
	}
	if size > h.inlineMax {
		return lambda.Errorf(codeLimitExceeded, "Maximum policy size of %d bytes exceeded for %s %s", h.inlineMax, h.kind, owner)
	}
	return nil
}

func (p *policySet) get(h holder, name string) (document string, err error) {
	i := p.find(name)
	if i < 0 {
		return "", h.noInline(name)
	}
	return escapeDocument(p.Inline[i].Document), nil
}

func (p *policySet) remove(h holder, name string) error {
	i := p.find(name)
	if i < 0 {
		return h.noInline(name)
	}
	p.Inline = slices.Delete(p.Inline, i, i+1)
	return nil
}

func (p *policySet) names(marker *string, maxItems *int32) (page[string], error) {
	names := []string{}
	for _, in := range p.Inline {
		names = append(names, in.Name)
	}
	return paginate(names, func(n string) string { return n }, marker, maxItems)
}

// attach attaches a managed policy of the account, or AWS's.
func (s *Service) attach(p *policySet, h holder, account, arn string) error {
	m, ok := s.mirror.policyByARN(arn)
	if !ok || m.account != awsAccount && m.account != account {
		return errNotAttachable(arn)
	}
	if slices.Contains(p.Attached, m.arn) {
		return errUnchanged
	}
	if len(p.Attached) >= attachedMax {
		return lambda.Errorf(codeLimitExceeded, "Cannot exceed quota for PoliciesPer%s: %d", h.plural, attachedMax)
	}
	p.Attached = append(p.Attached, m.arn)
	slices.Sort(p.Attached)
	return nil
}

func (p *policySet) detach(arn string) error {
	i := slices.Index(p.Attached, arn)
	if i < 0 {
		return errNoPolicy(arn)
	}
	p.Attached = slices.Delete(p.Attached, i, i+1)
	return nil
}

func (p *policySet) attachedPage(pathPrefix, marker *string, maxItems *int32) (page[types.AttachedPolicy], error) {
	prefix := pathOr(pathPrefix)
	var fits []types.AttachedPolicy
	for _, arn := range p.Attached {
		if strings.HasPrefix(policyPath(arn), prefix) {
			fits = append(fits, describeAttached(arn))
		}
	}
	return paginate(fits, func(a types.AttachedPolicy) string { return *a.PolicyArn }, marker, maxItems)
}

func describeAttached(arn string) types.AttachedPolicy {
	_, name, _ := nameOfARN(arn, "policy")
	return types.AttachedPolicy{PolicyArn: &arn, PolicyName: &name}
}

// empty says whether an entity with this set may be deleted, or AWS's refusal.
func (p *policySet) empty() error {
	if len(p.Attached) > 0 {
		return lambda.Errorf(codeDeleteConflict, "Cannot delete entity, must detach all policies first.")
	}
	if len(p.Inline) > 0 {
		return lambda.Errorf(codeDeleteConflict, "Cannot delete entity, must delete policies first.")
	}
	return nil
}

// compiledSet is a policySet's inline documents, ready for use.
func (p *policySet) compile() []compiled {
	var out []compiled
	for _, in := range p.Inline {
		out = append(out, compile(policy.Identity, in.Document))
	}
	return out
}

// sources appends a set's policies, inline ones first; owner names the entity in
// errors.
func (s *Service) sources(to []policy.Source, p *policySet, inline []compiled, owner string) ([]policy.Source, error) {
	for i, in := range inline {
		doc, err := in()
		if err != nil {
			return nil, fmt.Errorf("read policy %s of %s: %w", p.Inline[i].Name, owner, err)
		}
		to = append(to, policy.Source{Name: p.Inline[i].Name, Policy: doc})
	}
	return s.addManaged(to, p.Attached)
}
