package s3

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/hearthfaas/hearth/internal/s3/index"
)

// lifecycleRulesMax is how many rules a configuration has (S3 user guide).
const lifecycleRulesMax = 1000

// lifecycleEvery is how often expired objects are looked for. S3 does it once a day;
// whole days are what its rules count in.
const lifecycleEvery = time.Hour

// newerNoncurrentMax is how many noncurrent versions a rule can keep (S3 API
// reference, NoncurrentVersionExpiration).
const newerNoncurrentMax = 100

type lifecycle struct {
	Rules []lifecycleRule `xml:"Rule"`
}

type lifecycleRule struct {
	ID         string
	Status     string
	Prefix     *string
	Filter     *lifecycleFilter
	Expiration *struct {
		Days                      int
		Date                      string
		ExpiredObjectDeleteMarker bool
	}
	NoncurrentVersionExpiration *struct {
		NoncurrentDays          int
		NewerNoncurrentVersions int
	}
	AbortIncompleteMultipartUpload *struct{ DaysAfterInitiation int }
	Transitions                    []struct{} `xml:"Transition"`
	NoncurrentTransitions          []struct{} `xml:"NoncurrentVersionTransition"`
}

type lifecycleFilter struct {
	lifecycleTerms
	And *lifecycleTerms
}

type lifecycleTerms struct {
	Prefix                string
	Tags                  []tag `xml:"Tag"`
	ObjectSizeGreaterThan *int64
	ObjectSizeLessThan    *int64
}

func (c *call) checkLifecycle(text []byte) ([]byte, error) {
	var l lifecycle
	if err := parseXML(text, &l); err != nil {
		return nil, err
	}
	if len(l.Rules) == 0 || len(l.Rules) > lifecycleRulesMax {
		return nil, fault("MalformedXML")
	}
	ids := map[string]bool{}
	for _, r := range l.Rules {
		if err := r.check(); err != nil {
			return nil, err
		}
		if r.ID != "" && ids[r.ID] {
			return nil, faultf("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule")
		}
		ids[r.ID] = true
	}
	return withRuleIDs(text, l.Rules), nil
}

// withRuleIDs gives the rules without an ID one, as S3 does. The rest of the
// document stays as it was put.
func withRuleIDs(text []byte, rules []lifecycleRule) []byte {
	out, rest := "", string(text)
	for _, r := range rules {
		at := strings.Index(rest, "<Rule>")
		if at < 0 {
			return text // written in a way that is not worth taking apart
		}
		at += len("<Rule>")
		out, rest = out+rest[:at], rest[at:]
		if r.ID == "" {
			out += "<ID>" + uuid.NewString() + "</ID>"
		}
	}
	return []byte(out + rest)
}

func (r *lifecycleRule) check() error {
	switch {
	case r.Status != "Enabled" && r.Status != "Disabled", r.Prefix == nil && r.Filter == nil:
		return fault("MalformedXML")
	case r.Prefix != nil && r.Filter != nil, r.Filter != nil && !r.Filter.single():
		return fault("MalformedXML")
	case len(r.ID) > ruleIDMax:
		return faultf("InvalidArgument", "ID length should not exceed allowed limit of %d", ruleIDMax)
	case r.Expiration == nil && r.NoncurrentVersionExpiration == nil && r.AbortIncompleteMultipartUpload == nil &&
		len(r.Transitions) == 0 && len(r.NoncurrentTransitions) == 0:
		return faultf("InvalidRequest", "At least one action needs to be specified in a rule")
	}
	if e := r.Expiration; e != nil {
		if e.Date != "" && (e.Days != 0 || e.ExpiredObjectDeleteMarker) || e.Days != 0 && e.ExpiredObjectDeleteMarker {
			return fault("MalformedXML")
		}
		if e.ExpiredObjectDeleteMarker && len(r.terms().Tags) > 0 {
			return faultf("InvalidRequest", "ExpiredObjectDeleteMarker cannot be specified with Tags.")
		}
		if e.Date != "" {
			at, err := time.Parse(time.RFC3339, e.Date)
			if err != nil {
				return fault("MalformedXML")
			}
			if !at.UTC().Truncate(24 * time.Hour).Equal(at) {
				return faultf("InvalidArgument", "'Date' must be at midnight GMT")
			}
		}
		if e.Date == "" && e.Days <= 0 && !e.ExpiredObjectDeleteMarker {
			return faultf("InvalidArgument", "'Days' for Expiration action must be a positive integer")
		}
	}
	if n := r.NoncurrentVersionExpiration; n != nil && n.NoncurrentDays <= 0 {
		return faultf("InvalidArgument", "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer")
	}
	if n := r.NoncurrentVersionExpiration; n != nil && (n.NewerNoncurrentVersions < 0 || n.NewerNoncurrentVersions > newerNoncurrentMax) {
		return faultf("InvalidArgument", "'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be between 1 and %d", newerNoncurrentMax)
	}
	if r.AbortIncompleteMultipartUpload != nil && len(r.terms().Tags) > 0 {
		return faultf("InvalidRequest", "AbortIncompleteMultipartUpload cannot be specified with Tags.")
	}
	if a := r.AbortIncompleteMultipartUpload; a != nil && a.DaysAfterInitiation <= 0 {
		return faultf("InvalidArgument", "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer")
	}
	return nil
}

// single says that a filter has one term at most; several need And around them.
func (f *lifecycleFilter) single() bool {
	n := len(f.Tags)
	for _, there := range []bool{f.Prefix != "", f.ObjectSizeGreaterThan != nil, f.ObjectSizeLessThan != nil, f.And != nil} {
		if there {
			n++
		}
	}
	return n <= 1
}

// terms are what the rule's objects have in common.
func (r *lifecycleRule) terms() lifecycleTerms {
	switch {
	case r.Prefix != nil:
		return lifecycleTerms{Prefix: *r.Prefix}
	case r.Filter == nil:
		return lifecycleTerms{}
	case r.Filter.And != nil:
		return *r.Filter.And
	}
	return r.Filter.lifecycleTerms
}

// covers says whether the rule's filter has an object in it.
func (r *lifecycleRule) covers(o *index.Object) bool {
	terms := r.terms()
	if !strings.HasPrefix(o.Key, terms.Prefix) {
		return false
	}
	if terms.ObjectSizeGreaterThan != nil && o.Size <= *terms.ObjectSizeGreaterThan ||
		terms.ObjectSizeLessThan != nil && o.Size >= *terms.ObjectSizeLessThan {
		return false
	}
	for _, t := range terms.Tags {
		found := false
		for _, has := range o.Tags {
			found = found || has == index.Tag(t)
		}
		if !found {
			return false
		}
	}
	return true
}

// daysAfter is when a number of days after a time is over: at the next midnight UTC
// (S3 user guide, "Lifecycle rules: based on an object's age").
func daysAfter(t time.Time, days int) time.Time {
	at := t.UTC().AddDate(0, 0, days)
	midnight := at.Truncate(24 * time.Hour)
	if midnight.Equal(at) {
		return midnight
	}
	return midnight.AddDate(0, 0, 1)
}

// expired says whether a rule wants a version gone now. newer is how many noncurrent
// versions of the key are newer; alone says that nothing else of the key is left.
func (r *lifecycleRule) expired(o *index.Object, newer int, alone bool, now time.Time) bool {
	if r.Status != "Enabled" || !r.covers(o) {
		return false
	}
	if !o.Latest {
		n := r.NoncurrentVersionExpiration
		return n != nil && newer >= n.NewerNoncurrentVersions && !now.Before(daysAfter(o.Noncurrent, n.NoncurrentDays))
	}
	if o.DeleteMarker {
		e := r.Expiration
		return e != nil && alone && (e.ExpiredObjectDeleteMarker || e.Days > 0 && !now.Before(daysAfter(o.Modified, e.Days)))
	}
	at, ok := r.expires(o)
	return ok && !now.Before(at)
}

// expires is when a rule wants a current version gone; false when it does not.
func (r *lifecycleRule) expires(o *index.Object) (at time.Time, ok bool) {
	switch e := r.Expiration; {
	case e == nil:
		return at, false
	case e.Date != "":
		at, err := time.Parse(time.RFC3339, e.Date)
		return at, err == nil
	default:
		return daysAfter(o.Modified, e.Days), e.Days > 0
	}
}

// showExpiration says when the bucket's lifecycle will remove a current version, and
// by which rule (S3 API reference, x-amz-expiration).
func (c *call) showExpiration(o *index.Object) {
	text := c.rec.Documents["lifecycle"]
	if text == "" || !o.Latest {
		return
	}
	var l lifecycle
	if err := xml.Unmarshal([]byte(text), &l); err != nil {
		return // it was checked when it was put
	}
	var first time.Time
	for i := range l.Rules {
		r := &l.Rules[i]
		if at, ok := r.expires(o); ok && r.Status == "Enabled" && r.covers(o) && (first.IsZero() || at.Before(first)) {
			first = at
			c.w.Header().Set("X-Amz-Expiration", fmt.Sprintf("expiry-date=%q, rule-id=%q", at.UTC().Format(http.TimeFormat), url.QueryEscape(r.ID)))
		}
	}
}

// expireAll applies the lifecycles of all buckets, now and then, until ctx ends.
func (s *Service) expireAll(ctx context.Context) error {
	ticker := time.NewTicker(lifecycleEvery)
	defer ticker.Stop()
	for {
		if err := s.index.Forget(ctx, s.now().Add(-completedKept)); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "completed uploads are kept in mind for too long", "error", err)
		}
		for _, rec := range s.index.Buckets("") {
			if err := s.expire(ctx, rec); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "a lifecycle was not applied", "bucket", rec.Name, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// expire applies one bucket's lifecycle once.
func (s *Service) expire(ctx context.Context, rec *index.Bucket) error {
	text := rec.Documents["lifecycle"]
	if text == "" {
		return nil
	}
	var l lifecycle
	if err := xml.Unmarshal([]byte(text), &l); err != nil {
		return err
	}
	now := s.now().UTC()
	if err := s.abortOld(ctx, rec, l.Rules, now); err != nil {
		return err
	}
	q := index.Query{Max: pageMax}
	key, newer := "", 0
	for {
		page, err := s.index.Versions(ctx, rec.Name, q)
		if err != nil {
			return err
		}
		for i := range page.Objects {
			o := &page.Objects[i]
			if o.Key != key {
				key, newer = o.Key, 0
			}
			alone := false
			if o.DeleteMarker {
				if alone, err = s.index.Alone(ctx, rec.Name, o); err != nil {
					return err
				}
			}
			for j := range l.Rules {
				if l.Rules[j].expired(o, newer, alone, now) {
					if err := s.expireOne(ctx, rec, o, now); err != nil {
						return err
					}
					break
				}
			}
			if !o.Latest {
				newer++
			}
		}
		if !page.Truncated {
			return nil
		}
		q.After, q.AfterVersion = page.Next, page.NextVersion
	}
}

// expireOne removes a version, or hides it behind a delete marker where there is
// versioning and it is the current one.
func (s *Service) expireOne(ctx context.Context, rec *index.Bucket, o *index.Object, now time.Time) error {
	version := o.Version
	if o.Latest && !o.DeleteMarker {
		version = ""
	}
	d, err := s.index.Delete(ctx, rec.Name, o.Key, index.Removal{
		Version: version, Now: now.Truncate(time.Second),
		If: func(cur *index.Object) error {
			if version == "" && (cur == nil || cur.Seq != o.Seq) {
				return index.ErrNoObject // written anew meanwhile
			}
			return nil
		},
		Notify: func(gone index.Object, madeMarker bool) [][]byte {
			name := "LifecycleExpiration:Delete"
			if madeMarker {
				name = "LifecycleExpiration:DeleteMarkerCreated"
			}
			return s.notifier(rec, name, Event{
				Principal: lifecyclePrincipal, Requester: lifecyclePrincipal, SourceIP: lifecyclePrincipal, RequestID: newRequestID(),
			})(gone)
		},
	})
	if err != nil {
		if err == index.ErrNoObject { //nolint:errorlint // the condition's own, returned bare
			return nil
		}
		return err
	}
	s.discard(d.Garbage)
	return nil
}

// abortOld ends uploads that have been open for too long.
func (s *Service) abortOld(ctx context.Context, rec *index.Bucket, rules []lifecycleRule, now time.Time) error {
	q := index.Query{Max: pageMax}
	for {
		uploads, _, truncated, err := s.index.Uploads(ctx, rec.Name, q)
		if err != nil {
			return err
		}
		for _, u := range uploads {
			q.After, q.AfterVersion = u.Key, u.ID
			for i := range rules {
				a := rules[i].AbortIncompleteMultipartUpload
				if a == nil || rules[i].Status != "Enabled" || !strings.HasPrefix(u.Key, rules[i].terms().Prefix) ||
					now.Before(daysAfter(u.Initiated, a.DaysAfterInitiation)) {
					continue
				}
				garbage, err := s.index.AbortUpload(ctx, rec.Name, u.Key, u.ID)
				if err != nil {
					return err
				}
				s.discard(garbage)
				break
			}
		}
		if !truncated {
			return nil
		}
	}
}
