package sim

import (
	"slices"
	"testing"

	"go.mongodb.org/atlas-sdk/v20250312020/admin"
)

// The official client makes, uses and ends keys and accounts.
func TestSDKMachines(t *testing.T) {
	w := start(t)
	client, ctx, org := w.sdk(bearerTransport{w.Transport(), w.token(ownerID)}), t.Context(), w.OrgID("ExampleCorp")
	keys, accounts := client.ProgrammaticAPIKeysApi, client.ServiceAccountsApi

	key, _, err := keys.CreateOrgApiKey(ctx, org, admin.NewCreateAtlasOrganizationApiKey("ci", []string{"ORG_MEMBER"})).Execute()
	if err != nil {
		t.Fatal(err)
	}
	entries, _, err := keys.CreateOrgAccessEntry(ctx, org, key.GetId(), &[]admin.UserAccessListRequest{{CidrBlock: admin.PtrString("192.0.2.0/24")}}).Execute()
	if err != nil || len(entries.GetResults()) != 1 || entries.GetResults()[0].GetCidrBlock() != "192.0.2.0/24" {
		t.Errorf("entries %+v: %v", entries.GetResults(), err)
	}
	if _, err := keys.DeleteAccessEntry(ctx, org, key.GetId(), "192.0.2.0/24").Execute(); err != nil {
		t.Error(err)
	}
	if _, err := keys.AddGroupApiKey(ctx, w.ProjectID("dev"), key.GetId(), &[]admin.UserAccessRoleAssignment{{Roles: &[]string{"GROUP_OWNER"}}}).Execute(); err != nil {
		t.Error(err)
	}
	listed, _, err := keys.ListOrgApiKeys(ctx, org).Execute()
	if err != nil || len(listed.GetResults()) != 2 || len(listed.GetResults()[1].GetRoles()) != 2 || listed.GetResults()[1].GetPrivateKey() == key.GetPrivateKey() {
		t.Errorf("keys %+v: %v", listed.GetResults(), err)
	}
	if _, err := keys.DeleteOrgApiKey(ctx, org, key.GetId()).Execute(); err != nil {
		t.Error(err)
	}

	account, _, err := accounts.CreateOrgServiceAccount(ctx, org, admin.NewOrgServiceAccountRequest("builds", "ci", []string{"ORG_MEMBER"}, 24)).Execute()
	if err != nil {
		t.Fatal(err)
	}
	id := account.GetClientId()
	second, _, err := accounts.CreateOrgSecret(ctx, org, id, admin.NewServiceAccountSecretRequest(8)).Execute()
	if err != nil || !w.secretWorks(id, second.GetSecret()) || !w.secretWorks(id, account.GetSecrets()[0].GetSecret()) {
		t.Errorf("secret %+v: %v", second, err)
	}
	got, _, err := accounts.GetOrgServiceAccount(ctx, org, id).Execute()
	if err != nil || len(got.GetSecrets()) != 2 || !got.GetSecrets()[1].GetLastUsedAt().Equal(got.GetCreatedAt()) || !slices.Equal(got.GetRoles(), []string{"ORG_MEMBER"}) {
		t.Errorf("account %+v: %v", got, err)
	}
	if _, err := accounts.DeleteOrgServiceAccount(ctx, id, org).Execute(); err != nil {
		t.Error(err)
	}
}
