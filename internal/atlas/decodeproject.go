package atlas

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"go.mongodb.org/atlas-sdk/v20250312020/admin"

	"github.com/gatewarden/gatewarden/internal/access"
)

// decodeProjectSettings reads the switches by Atlas's names, which are the state's own.
func decodeProjectSettings(p piece) (access.State, error) {
	s, err := decodeAs[access.ProjectSettings](p.raw)
	if err != nil {
		return nil, err
	}
	if _, told := fieldsOf(p.raw)["isDataExplorerEnabled"]; !told {
		return nil, errors.New("isDataExplorerEnabled is not told")
	}
	s.ProjectID = p.scope.ID()
	return s, nil
}

func decodeProjectMember(p piece) (access.State, error) {
	m, err := decodeAs[struct {
		ID       string    `json:"id"`
		Username string    `json:"username"`
		Status   string    `json:"orgMembershipStatus"`
		Roles    *[]string `json:"roles"`
	}](p.raw)
	switch {
	case err != nil:
		return nil, err
	case m.Username == "" || m.Roles == nil:
		return nil, errors.New("a member needs username and roles")
	}
	return access.ProjectMember{Username: access.FoldName(m.Username), ID: m.ID, Status: m.Status, Roles: access.SortNames(*m.Roles)}, nil
}

func decodeTeamGrant(p piece) (access.State, error) {
	g, err := decodeAs[struct {
		Team  string    `json:"teamId"`
		Roles *[]string `json:"roleNames"`
	}](p.raw)
	switch {
	case err != nil:
		return nil, err
	case g.Team == "" || g.Roles == nil:
		return nil, errors.New("a team's grant needs teamId and roleNames")
	}
	return access.TeamGrant{Team: g.Team, Roles: access.SortNames(*g.Roles)}, nil
}

// decodeProjectKey keeps the roles on this project: the others are the org's to tell.
func decodeProjectKey(p piece) (access.State, error) {
	k, roles, err := apiKey(p.raw)
	if err != nil {
		return nil, err
	}
	var here []string
	for _, r := range roles {
		if r.Project == p.scope.ID() {
			here = append(here, r.Role)
		}
	}
	return access.ProjectKey{PublicKey: k.GetPublicKey(), ID: k.GetId(), Description: k.GetDesc(), Roles: access.SortNames(here)}, nil
}

func decodeProjectAccount(p piece) (access.State, error) {
	a, err := decodeAs[admin.GroupServiceAccount](p.raw)
	switch {
	case err != nil:
		return nil, err
	case a.GetClientId() == "" || a.Roles == nil:
		return nil, errors.New("a service account needs clientId and roles")
	}
	return access.ProjectServiceAccount{ClientID: a.GetClientId(), Title: a.GetName(), Roles: access.SortNames(a.GetRoles())}, nil
}

// decodePrivateEndpoint reads the services of all providers, and the endpoints of
// federated databases, whose provider is in the element.
func decodePrivateEndpoint(p piece) (access.State, error) {
	e, err := decodeAs[struct {
		Provider, CloudProvider              string
		ID, EndpointID                       string
		RegionName, Region                   string
		EndpointServiceName                  string
		PrivateLinkServiceName               string
		Status, Comment                      string
		InterfaceEndpoints, PrivateEndpoints []string
		EndpointGroupNames                   []string
		ServiceAttachmentNames               []string
	}](p.raw)
	if err != nil {
		return nil, err
	}
	out := access.PrivateEndpoint{
		Provider: or(p.parent, e.CloudProvider, e.Provider, "AWS"), ID: or(e.ID, e.EndpointID), For: access.EndpointClusters,
		Region: or(e.RegionName, e.Region), Service: or(e.EndpointServiceName, e.PrivateLinkServiceName, strings.Join(e.ServiceAttachmentNames, " ")),
		Status: e.Status, Comment: e.Comment,
	}
	out.Endpoints = optional(append(append(e.InterfaceEndpoints, e.PrivateEndpoints...), e.EndpointGroupNames...))
	if p.parent == "" {
		out.For = access.EndpointFederation
	}
	return out, wantName(out.ID)
}

func decodePeering(p piece) (access.State, error) {
	e, err := decodeAs[struct {
		ID, ContainerID                          string
		AWSAccountID, VPCID, AccepterRegionName  string
		RouteTableCIDRBlock                      string
		AzureSubscriptionID, AzureDirectoryID    string
		ResourceGroupName, VNetName              string
		GCPProjectID, NetworkName                string
		Status, StatusName                       string
		ErrorState, ErrorStateName, ErrorMessage string
	}](p.raw)
	if err != nil {
		return nil, err
	}
	network := or(e.VPCID, e.NetworkName)
	if e.VNetName != "" {
		network = e.ResourceGroupName + "/" + e.VNetName
	}
	return access.Peering{
		Provider: p.parent, ID: e.ID, Container: e.ContainerID, Account: or(e.AWSAccountID, e.AzureSubscriptionID, e.GCPProjectID),
		Directory: e.AzureDirectoryID, Network: network, Region: e.AccepterRegionName, CIDR: e.RouteTableCIDRBlock,
		Status: or(e.Status, e.StatusName), Error: or(e.ErrorState, e.ErrorStateName, e.ErrorMessage),
	}, wantName(e.ID)
}

func namePeering(p piece) string {
	if id := fieldsOf(p.raw).text("id"); id != "" {
		return p.parent + "/" + id
	}
	return ""
}

func nameInCluster(p piece) string { return namePeering(p) }

func decodeAuditing(p piece) (access.State, error) {
	a, err := decodeAs[admin.AuditLog](p.raw)
	switch {
	case err != nil:
		return nil, err
	case a.Enabled == nil:
		return nil, errors.New("enabled is not told")
	}
	return access.Auditing{
		ProjectID: p.scope.ID(), Enabled: *a.Enabled, AuthorizationToo: a.GetAuditAuthorizationSuccess(),
		Filter: a.GetAuditFilter(), ConfigurationBy: a.GetConfigurationType(),
	}, nil
}

// decodeRestoreJob sums the four flags of a job up in one word.
func decodeRestoreJob(p piece) (access.State, error) {
	j, err := decodeAs[struct {
		ID, SnapshotID, DeliveryType     string
		TargetGroupID, TargetClusterName string
		Timestamp, FinishedAt            *time.Time
		Cancelled, Expired, Failed       bool
	}](p.raw)
	if err != nil {
		return nil, err
	}
	out := access.BackupRestoreJob{
		ID: j.ID, Cluster: p.parent, Snapshot: j.SnapshotID, Delivery: j.DeliveryType, TargetProject: j.TargetGroupID, TargetCluster: j.TargetClusterName,
	}
	switch {
	case j.Failed:
		out.Result = "failed"
	case j.Cancelled:
		out.Result = "cancelled"
	case j.Expired:
		out.Result = "expired"
	case j.FinishedAt != nil:
		out.Result = "finished"
	}
	out.At, err = date(j.Timestamp)
	return out, errors.Join(err, wantName(j.ID))
}

func decodeExportJob(p piece) (access.State, error) {
	j, err := decodeAs[struct {
		ID, SnapshotID, ExportBucketID, Prefix, State string
		CreatedAt                                     *time.Time
	}](p.raw)
	if err != nil {
		return nil, err
	}
	out := access.BackupExportJob{ID: j.ID, Cluster: p.parent, Snapshot: j.SnapshotID, Bucket: j.ExportBucketID, Prefix: j.Prefix, Status: j.State}
	out.CreatedAt, err = date(j.CreatedAt)
	return out, errors.Join(err, wantName(j.ID))
}

func decodeExportBucket(p piece) (access.State, error) {
	b, err := decodeAs[struct {
		ID                 string `json:"_id"`
		BucketName         string
		CloudProvider      string
		Region, ServiceURL string
		IAMRoleID, RoleID  string
	}](p.raw)
	if err != nil {
		return nil, err
	}
	return access.BackupExportBucket{ID: b.ID, Provider: b.CloudProvider, Bucket: b.BucketName, Location: or(b.Region, b.ServiceURL), Role: or(b.IAMRoleID, b.RoleID)}, wantName(b.ID)
}

// jsonText is a document as a text that is the same each time.
func jsonText(raw json.RawMessage) string {
	var v any
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil || v == nil {
		return ""
	}
	out, _ := json.Marshal(v) // it came out of a decoder
	return string(out)
}
