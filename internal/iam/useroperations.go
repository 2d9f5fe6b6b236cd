package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// onUser makes an operation on the user that of names; without a name it is on the
// caller, as AWS does.
func onUser[In, Out any](s *Service, name string, call func(context.Context, *In) (*Out, error), of func(*In) *string) wire.Operation {
	return wire.Op(name, call, func(c lambda.Caller, in *In) string {
		given := of(in)
		if given == nil && c.Kind == lambda.PrincipalUser {
			return c.ARN
		}
		if u, ok := s.users.get(entityKey(c.Account, deref(given))); ok {
			return u.arn
		}
		return userARN(c.Account, "/", deref(given))
	})
}

// onGroup makes an operation on the group that of names.
func onGroup[In, Out any](s *Service, name string, call func(context.Context, *In) (*Out, error), of func(*In) *string) wire.Operation {
	return wire.Op(name, call, func(c lambda.Caller, in *In) string {
		if g, ok := s.groups.get(entityKey(c.Account, deref(of(in)))); ok {
			return g.arn
		}
		return groupARN(c.Account, "/", deref(of(in)))
	})
}

func (s *Service) userOperations() []wire.Operation {
	return []wire.Operation{
		wire.Op("CreateUser", s.createUser, func(c lambda.Caller, in *iam.CreateUserInput) string {
			return userARN(c.Account, pathOr(in.Path), deref(in.UserName))
		}),
		onUser(s, "GetUser", s.getUserOperation, func(in *iam.GetUserInput) *string { return in.UserName }),
		wire.Op("ListUsers", s.listUsers, func(c lambda.Caller, in *iam.ListUsersInput) string {
			return userARN(c.Account, pathOr(in.PathPrefix), "")
		}),
		onUser(s, "UpdateUser", s.updateUser, func(in *iam.UpdateUserInput) *string { return in.UserName }),
		onUser(s, "DeleteUser", s.deleteUser, func(in *iam.DeleteUserInput) *string { return in.UserName }),
		onUser(s, "TagUser", s.tagUser, func(in *iam.TagUserInput) *string { return in.UserName }),
		onUser(s, "UntagUser", s.untagUser, func(in *iam.UntagUserInput) *string { return in.UserName }),
		onUser(s, "ListUserTags", s.listUserTags, func(in *iam.ListUserTagsInput) *string { return in.UserName }),
		onUser(s, "PutUserPermissionsBoundary", s.putUserPermissionsBoundary, func(in *iam.PutUserPermissionsBoundaryInput) *string { return in.UserName }),
		onUser(s, "DeleteUserPermissionsBoundary", s.deleteUserPermissionsBoundary, func(in *iam.DeleteUserPermissionsBoundaryInput) *string { return in.UserName }),
		onUser(s, "PutUserPolicy", s.putUserPolicy, func(in *iam.PutUserPolicyInput) *string { return in.UserName }),
		onUser(s, "GetUserPolicy", s.getUserPolicy, func(in *iam.GetUserPolicyInput) *string { return in.UserName }),
		onUser(s, "DeleteUserPolicy", s.deleteUserPolicy, func(in *iam.DeleteUserPolicyInput) *string { return in.UserName }),
		onUser(s, "ListUserPolicies", s.listUserPolicies, func(in *iam.ListUserPoliciesInput) *string { return in.UserName }),
		onUser(s, "AttachUserPolicy", s.attachUserPolicy, func(in *iam.AttachUserPolicyInput) *string { return in.UserName }),
		onUser(s, "DetachUserPolicy", s.detachUserPolicy, func(in *iam.DetachUserPolicyInput) *string { return in.UserName }),
		onUser(s, "ListAttachedUserPolicies", s.listAttachedUserPolicies, func(in *iam.ListAttachedUserPoliciesInput) *string { return in.UserName }),
		onUser(s, "ListGroupsForUser", s.listGroupsForUser, func(in *iam.ListGroupsForUserInput) *string { return in.UserName }),
		onUser(s, "CreateAccessKey", s.createAccessKey, func(in *iam.CreateAccessKeyInput) *string { return in.UserName }),
		onUser(s, "ListAccessKeys", s.listAccessKeys, func(in *iam.ListAccessKeysInput) *string { return in.UserName }),
		onUser(s, "UpdateAccessKey", s.updateAccessKey, func(in *iam.UpdateAccessKeyInput) *string { return in.UserName }),
		onUser(s, "DeleteAccessKey", s.deleteAccessKey, func(in *iam.DeleteAccessKeyInput) *string { return in.UserName }),
		wire.Op("GetAccessKeyLastUsed", s.getAccessKeyLastUsed, func(c lambda.Caller, in *iam.GetAccessKeyLastUsedInput) string {
			if k, ok := s.keys.get(deref(in.AccessKeyId)); ok && k.Account == c.Account {
				for _, u := range s.users.of(c.Account) {
					if u.ID == k.User {
						return u.arn
					}
				}
			}
			return userARN(c.Account, "/", "*")
		}),
	}
}

func (s *Service) groupOperations() []wire.Operation {
	return []wire.Operation{
		wire.Op("CreateGroup", s.createGroup, func(c lambda.Caller, in *iam.CreateGroupInput) string {
			return groupARN(c.Account, pathOr(in.Path), deref(in.GroupName))
		}),
		onGroup(s, "GetGroup", s.getGroupOperation, func(in *iam.GetGroupInput) *string { return in.GroupName }),
		wire.Op("ListGroups", s.listGroups, func(c lambda.Caller, in *iam.ListGroupsInput) string {
			return groupARN(c.Account, pathOr(in.PathPrefix), "")
		}),
		onGroup(s, "UpdateGroup", s.updateGroup, func(in *iam.UpdateGroupInput) *string { return in.GroupName }),
		onGroup(s, "DeleteGroup", s.deleteGroup, func(in *iam.DeleteGroupInput) *string { return in.GroupName }),
		onGroup(s, "AddUserToGroup", s.addUserToGroup, func(in *iam.AddUserToGroupInput) *string { return in.GroupName }),
		onGroup(s, "RemoveUserFromGroup", s.removeUserFromGroup, func(in *iam.RemoveUserFromGroupInput) *string { return in.GroupName }),
		onGroup(s, "PutGroupPolicy", s.putGroupPolicy, func(in *iam.PutGroupPolicyInput) *string { return in.GroupName }),
		onGroup(s, "GetGroupPolicy", s.getGroupPolicy, func(in *iam.GetGroupPolicyInput) *string { return in.GroupName }),
		onGroup(s, "DeleteGroupPolicy", s.deleteGroupPolicy, func(in *iam.DeleteGroupPolicyInput) *string { return in.GroupName }),
		onGroup(s, "ListGroupPolicies", s.listGroupPolicies, func(in *iam.ListGroupPoliciesInput) *string { return in.GroupName }),
		onGroup(s, "AttachGroupPolicy", s.attachGroupPolicy, func(in *iam.AttachGroupPolicyInput) *string { return in.GroupName }),
		onGroup(s, "DetachGroupPolicy", s.detachGroupPolicy, func(in *iam.DetachGroupPolicyInput) *string { return in.GroupName }),
		onGroup(s, "ListAttachedGroupPolicies", s.listAttachedGroupPolicies, func(in *iam.ListAttachedGroupPoliciesInput) *string { return in.GroupName }),
	}
}

// onProvider makes an operation on the provider whose ARN of gives.
func onProvider[In, Out any](name string, call func(context.Context, *In) (*Out, error), of func(*In) *string) wire.Operation {
	return wire.Op(name, call, func(_ lambda.Caller, in *In) string { return deref(of(in)) })
}

func (s *Service) accountOperations() []wire.Operation {
	return []wire.Operation{
		wire.Op("CreateOpenIDConnectProvider", s.createOpenIDConnectProvider, func(c lambda.Caller, in *iam.CreateOpenIDConnectProviderInput) string {
			host, _ := issuerHost(deref(in.Url))
			return providerARN(c.Account, host)
		}),
		onProvider("GetOpenIDConnectProvider", s.getOpenIDConnectProvider, func(in *iam.GetOpenIDConnectProviderInput) *string { return in.OpenIDConnectProviderArn }),
		wire.Op("ListOpenIDConnectProviders", s.listOpenIDConnectProviders, nil),
		onProvider("DeleteOpenIDConnectProvider", s.deleteOpenIDConnectProvider, func(in *iam.DeleteOpenIDConnectProviderInput) *string { return in.OpenIDConnectProviderArn }),
		onProvider("UpdateOpenIDConnectProviderThumbprint", s.updateOpenIDConnectProviderThumbprint, func(in *iam.UpdateOpenIDConnectProviderThumbprintInput) *string { return in.OpenIDConnectProviderArn }),
		onProvider("AddClientIDToOpenIDConnectProvider", s.addClientID, func(in *iam.AddClientIDToOpenIDConnectProviderInput) *string { return in.OpenIDConnectProviderArn }),
		onProvider("RemoveClientIDFromOpenIDConnectProvider", s.removeClientID, func(in *iam.RemoveClientIDFromOpenIDConnectProviderInput) *string { return in.OpenIDConnectProviderArn }),
		onProvider("TagOpenIDConnectProvider", s.tagOpenIDConnectProvider, func(in *iam.TagOpenIDConnectProviderInput) *string { return in.OpenIDConnectProviderArn }),
		onProvider("UntagOpenIDConnectProvider", s.untagOpenIDConnectProvider, func(in *iam.UntagOpenIDConnectProviderInput) *string { return in.OpenIDConnectProviderArn }),
		onProvider("ListOpenIDConnectProviderTags", s.listOpenIDConnectProviderTags, func(in *iam.ListOpenIDConnectProviderTagsInput) *string { return in.OpenIDConnectProviderArn }),
		wire.Op("CreateAccountAlias", s.createAccountAlias, nil),
		wire.Op("DeleteAccountAlias", s.deleteAccountAlias, nil),
		wire.Op("ListAccountAliases", s.listAccountAliases, nil),
		wire.Op("GetAccountSummary", s.getAccountSummary, nil),
		wire.Op("GetAccountAuthorizationDetails", s.getAccountAuthorizationDetails, nil),
		wire.Op("SimulateCustomPolicy", s.simulateCustomPolicy, nil),
		wire.Op("SimulatePrincipalPolicy", s.simulatePrincipalPolicy, func(_ lambda.Caller, in *iam.SimulatePrincipalPolicyInput) string {
			return deref(in.PolicySourceArn)
		}),
		wire.Op("GetContextKeysForCustomPolicy", s.getContextKeysForCustomPolicy, nil),
		wire.Op("GetContextKeysForPrincipalPolicy", s.getContextKeysForPrincipalPolicy, func(_ lambda.Caller, in *iam.GetContextKeysForPrincipalPolicyInput) string {
			return deref(in.PolicySourceArn)
		}),
	}
}
