package sim

import (
	"strings"

	"go.mongodb.org/atlas-sdk/v20250312020/admin"
)

func containerLife(want, then string) func(s *site) life {
	return func(s *site) life {
		s.prod = s.dev // which has no containers yet
		return life{
			want: want, then: then,
			create: func(d string) (any, error) {
				return got(s.NetworkPeeringApi.CreateGroupContainer(s.ctx, s.prod, to[admin.CloudProviderContainer](s, d)).Execute())
			},
			read: func(id string) (any, error) {
				return got(s.NetworkPeeringApi.GetGroupContainer(s.ctx, s.prod, id).Execute())
			},
			list: func() (any, error) { return got(s.NetworkPeeringApi.ListGroupContainerAll(s.ctx, s.prod).Execute()) },
			update: func(id, d string) (any, error) {
				return got(s.NetworkPeeringApi.UpdateGroupContainer(s.ctx, s.prod, id, part[admin.CloudProviderContainer](s, d)).Execute())
			},
			remove: func(id string) error {
				return done(s.NetworkPeeringApi.DeleteGroupContainer(s.ctx, s.prod, id).Execute())
			},
		}
	}
}

func peeringLife(provider, want, then string) func(s *site) life {
	return func(s *site) life {
		return life{
			want: want, then: then,
			create: func(d string) (any, error) {
				return got(s.NetworkPeeringApi.CreateGroupPeer(s.ctx, s.prod, to[admin.BaseNetworkPeeringConnectionSettings](s, d)).Execute())
			},
			read: func(id string) (any, error) {
				return got(s.NetworkPeeringApi.GetGroupPeer(s.ctx, s.prod, id).Execute())
			},
			list: func() (any, error) {
				return got(s.NetworkPeeringApi.ListGroupPeers(s.ctx, s.prod).ProviderName(provider).Execute())
			},
			update: func(id, d string) (any, error) {
				return got(s.NetworkPeeringApi.UpdateGroupPeer(s.ctx, s.prod, id, part[admin.BaseNetworkPeeringConnectionSettings](s, d)).Execute())
			},
			remove: func(id string) error {
				_, err := got(s.NetworkPeeringApi.DeleteGroupPeer(s.ctx, s.prod, id).Execute())
				return err
			},
		}
	}
}

// endpointServiceLife has an update for AWS alone.
func endpointServiceLife(provider, want, shown, then string) func(s *site) life {
	return func(s *site) life {
		l := life{
			want: want, shown: shown, then: then,
			create: func(d string) (any, error) {
				return got(s.PrivateEndpointServicesApi.CreatePrivateEndpointService(s.ctx, s.prod, to[admin.CloudProviderEndpointServiceRequest](s, d)).Execute())
			},
			read: func(id string) (any, error) {
				return got(s.PrivateEndpointServicesApi.GetPrivateEndpointService(s.ctx, s.prod, provider, id).Execute())
			},
			list: func() (any, error) {
				return got(s.PrivateEndpointServicesApi.ListPrivateEndpointService(s.ctx, s.prod, provider).Execute())
			},
			remove: func(id string) error {
				return done(s.PrivateEndpointServicesApi.DeletePrivateEndpointService(s.ctx, s.prod, provider, id).Execute())
			},
		}
		if then != "" {
			l.update = func(id, d string) (any, error) {
				request := part[admin.ApiAtlasModifyEndpointServiceRequest](s, d)
				request.CloudProvider = provider
				return got(s.PrivateEndpointServicesApi.UpdatePrivateEndpointService(s.ctx, s.prod, id, request).Execute())
			}
		}
		return l
	}
}

// endpointLife is the life of the customer's side. There is no list but the ids in the
// service, which goes with its last endpoint.
func endpointLife(provider, service, key, want, shown string) func(s *site) life {
	return func(s *site) life {
		made, _, err := s.PrivateEndpointServicesApi.CreatePrivateEndpointService(s.ctx, s.prod, to[admin.CloudProviderEndpointServiceRequest](s, service)).Execute()
		if err != nil {
			s.t.Fatal(err)
		}
		s.Advance(settles)
		of := made.GetId()
		return life{
			want: want, shown: shown, key: key,
			create: func(d string) (any, error) {
				return got(s.PrivateEndpointServicesApi.CreatePrivateEndpoint(s.ctx, s.prod, provider, of, to[admin.CreateEndpointRequest](s, d)).Execute())
			},
			read: func(id string) (any, error) {
				return got(s.PrivateEndpointServicesApi.GetPrivateEndpoint(s.ctx, s.prod, provider, id, of).Execute())
			},
			remove: func(id string) error {
				return done(s.PrivateEndpointServicesApi.DeletePrivateEndpoint(s.ctx, s.prod, provider, id, of).Execute())
			},
		}
	}
}

func cloudRoleLife(provider, key, want, then string) func(s *site) life {
	return func(s *site) life {
		return life{
			want: want, then: then, key: key,
			create: func(d string) (any, error) {
				return got(s.CloudProviderAccessApi.CreateCloudProviderAccess(s.ctx, s.prod, to[admin.CloudProviderAccessRoleRequest](s, d)).Execute())
			},
			read: func(id string) (any, error) {
				return got(s.CloudProviderAccessApi.GetCloudProviderAccess(s.ctx, s.prod, id).Execute())
			},
			list: func() (any, error) {
				return got(s.CloudProviderAccessApi.ListCloudProviderAccess(s.ctx, s.prod).Execute())
			},
			update: func(id, d string) (any, error) {
				if !strings.Contains(d, "iamAssumedRoleArn") && provider == "AWS" {
					return nil, nil // nothing to authorise yet
				}
				return got(s.CloudProviderAccessApi.AuthorizeProviderAccessRole(s.ctx, s.prod, id, part[admin.CloudProviderAccessRoleRequestUpdate](s, d)).Execute())
			},
			remove: func(id string) error {
				return done(s.CloudProviderAccessApi.DeauthorizeProviderAccessRole(s.ctx, s.prod, provider, id).Execute())
			},
		}
	}
}

// networkLives are the private ways in, and out to the customer's cloud.
func networkLives() []lifeCycle {
	const noBox, noPeer, noService, noRole = "CLOUD_PROVIDER_CONTAINER_NOT_FOUND", "PEER_NOT_FOUND", "PRIVATE_ENDPOINT_SERVICE_NOT_FOUND", "CLOUD_PROVIDER_ACCESS_ROLE_NOT_FOUND"
	const aws = `"providerName":"AWS","containerId":"444444444444444444444444","accepterRegionName":"us-east-1","awsAccountId":"123456789012","vpcId":"vpc-0123456789abcdef1"`
	const azure = `"providerName":"AZURE","containerId":"555555555555555555555555","azureDirectoryId":"00000000-0000-0000-0000-000000000001","azureSubscriptionId":"00000000-0000-0000-0000-000000000002","resourceGroupName":"rg"`
	return []lifeCycle{
		{"AWS container", noBox, containerLife(`{"providerName":"AWS","regionName":"EU_WEST_1","atlasCidrBlock":"10.8.0.0/21"}`, `{"providerName":"AWS","regionName":"EU_WEST_1","atlasCidrBlock":"10.9.0.0/21"}`)},
		{"Azure container", noBox, containerLife(`{"providerName":"AZURE","region":"US_EAST_2","atlasCidrBlock":"10.8.0.0/21"}`, `{"providerName":"AZURE","region":"US_EAST_2","atlasCidrBlock":"10.9.0.0/21"}`)},
		{"GCP container", noBox, containerLife(`{"providerName":"GCP","atlasCidrBlock":"10.8.0.0/18"}`, `{"providerName":"GCP","atlasCidrBlock":"10.64.0.0/18"}`)},
		{"AWS peering", noPeer, peeringLife("AWS", `{`+aws+`,"routeTableCidrBlock":"10.20.0.0/16"}`, `{`+aws+`,"routeTableCidrBlock":"10.21.0.0/16"}`)},
		{"Azure peering", noPeer, peeringLife("AZURE", `{`+azure+`,"vnetName":"shop-net"}`, `{`+azure+`,"vnetName":"other-net"}`)},
		{"GCP peering", noPeer, peeringLife("GCP", `{"providerName":"GCP","containerId":"666666666666666666666666","gcpProjectId":"shop-1234","networkName":"default"}`,
			`{"providerName":"GCP","containerId":"666666666666666666666666","gcpProjectId":"shop-1234","networkName":"other"}`)},
		{"AWS endpoint service", noService, endpointServiceLife("AWS", `{"providerName":"AWS","region":"EU_WEST_1","supportedRemoteRegions":["US_WEST_2"]}`,
			`{"cloudProvider":"AWS","regionName":"EU_WEST_1","supportedRemoteRegions":["US_WEST_2"],"status":"AVAILABLE"}`, `{"supportedRemoteRegions":["US_EAST_1"]}`)},
		{"Azure endpoint service", noService, endpointServiceLife("AZURE", `{"providerName":"AZURE","region":"US_EAST_2"}`, `{"cloudProvider":"AZURE","regionName":"US_EAST_2"}`, "")},
		{"GCP endpoint service", noService, endpointServiceLife("GCP", `{"providerName":"GCP","region":"EASTERN_US","portMappingEnabled":true}`, `{"cloudProvider":"GCP","regionName":"EASTERN_US","portMappingEnabled":true}`, "")},
		{"AWS endpoint", noService, endpointLife("AWS", `{"providerName":"AWS","region":"EU_WEST_1"}`, "interfaceEndpointId", `{"id":"`+vpce+`"}`, `{"cloudProvider":"AWS","interfaceEndpointId":"`+vpce+`","connectionStatus":"AVAILABLE"}`)},
		{"Azure endpoint", noService, endpointLife("AZURE", `{"providerName":"AZURE","region":"US_EAST_2"}`, "privateEndpointResourceId", `{"id":"`+azureName+`","privateEndpointIPAddress":"10.0.0.4"}`,
			`{"cloudProvider":"AZURE","privateEndpointResourceId":"`+azureName+`","privateEndpointIPAddress":"10.0.0.4","status":"AVAILABLE"}`)},
		{"GCP endpoint", noService, endpointLife("GCP", `{"providerName":"GCP","region":"EASTERN_US","portMappingEnabled":true}`, "endpointGroupName", `{"endpointGroupName":"shop","gcpProjectId":"shop-1234","endpoints":[{"endpointName":"shop-0","ipAddress":"10.0.0.5"}]}`,
			`{"cloudProvider":"GCP","endpointGroupName":"shop","gcpProjectId":"shop-1234","endpoints":[{"endpointName":"shop-0","ipAddress":"10.0.0.5"}]}`)},
		{"AWS role", noRole, cloudRoleLife("AWS", "roleId", `{"providerName":"AWS"}`, `{"providerName":"AWS","iamAssumedRoleArn":"`+arn+`"}`)},
		{"Azure principal", noRole, cloudRoleLife("AZURE", "_id", `{"providerName":"AZURE","atlasAzureAppId":"9f2deb0d-be22-4524-a403-df531868bac0","servicePrincipalId":"00000000-0000-0000-0000-000000000001","tenantId":"00000000-0000-0000-0000-000000000002"}`,
			`{"providerName":"AZURE","servicePrincipalId":"00000000-0000-0000-0000-000000000001","tenantId":"00000000-0000-0000-0000-000000000003"}`)},
		{"GCP service account", noRole, func(s *site) life {
			l := cloudRoleLife("GCP", "roleId", `{"providerName":"GCP"}`, "")(s)
			l.update = nil
			return l
		}},
		{"federated database endpoint", "RESOURCE_NOT_FOUND", func(s *site) life {
			return life{
				want: `{"endpointId":"` + vpce + `","comment":"lake","customerEndpointDNSName":"` + vpce + `-abcdefgh.vpce-svc-0123456789abcdef0.us-east-1.vpce.amazonaws.com","provider":"AWS","region":"US_EAST_1","type":"DATA_LAKE"}`, key: "endpointId",
				create: func(d string) (any, error) {
					return got(s.DataFederationApi.CreatePrivateEndpointId(s.ctx, s.prod, to[admin.PrivateNetworkEndpointIdEntry](s, d)).Execute())
				},
				read: func(id string) (any, error) {
					return got(s.DataFederationApi.GetPrivateEndpointId(s.ctx, s.prod, id).Execute())
				},
				list: func() (any, error) { return got(s.DataFederationApi.ListPrivateEndpointIds(s.ctx, s.prod).Execute()) },
				remove: func(id string) error {
					return done(s.DataFederationApi.DeletePrivateEndpointId(s.ctx, s.prod, id).Execute())
				},
			}
		}},
		{"backup endpoint", "RESOURCE_NOT_FOUND", func(s *site) life {
			return life{
				want: `{"cloudProvider":"AWS","regionName":"US_WEST_2"}`,
				create: func(d string) (any, error) {
					return got(s.CloudBackupsApi.CreateBackupPrivateEndpoint(s.ctx, s.prod, "AWS", to[admin.ObjectStoragePrivateEndpointRequest](s, d)).Execute())
				},
				read: func(id string) (any, error) {
					return got(s.CloudBackupsApi.GetBackupPrivateEndpoint(s.ctx, s.prod, "AWS", id).Execute())
				},
				list: func() (any, error) {
					return got(s.CloudBackupsApi.ListBackupPrivateEndpoints(s.ctx, s.prod, "AWS").Execute())
				},
				remove: func(id string) error {
					return done(s.CloudBackupsApi.DeleteBackupPrivateEndpoint(s.ctx, s.prod, "AWS", id).Execute())
				},
			}
		}},
		{"encryption at rest endpoint", "RESOURCE_NOT_FOUND", func(s *site) life {
			api := func() admin.EncryptionAtRestUsingCustomerKeyManagementApi {
				return s.EncryptionAtRestUsingCustomerKeyManagementApi
			}
			return life{
				want: `{"cloudProvider":"AZURE","regionName":"US_EAST_2"}`,
				create: func(d string) (any, error) {
					return got(api().CreateRestPrivateEndpoint(s.ctx, s.prod, "AZURE", to[admin.EARPrivateEndpoint](s, d)).Execute())
				},
				read: func(id string) (any, error) {
					return got(api().GetRestPrivateEndpoint(s.ctx, s.prod, "AZURE", id).Execute())
				},
				list: func() (any, error) { return got(api().ListRestPrivateEndpoints(s.ctx, s.prod, "AZURE").Execute()) },
				remove: func(id string) error {
					return done(api().RequestPrivateEndpointDeletion(s.ctx, s.prod, "AZURE", id).Execute())
				},
			}
		}},
		{"regional endpoint mode", "", func(s *site) life {
			return life{
				want: `{"enabled":true}`, then: `{"enabled":false}`,
				read: func(string) (any, error) {
					return got(s.PrivateEndpointServicesApi.GetRegionalEndpointMode(s.ctx, s.prod).Execute())
				},
				update: func(_, d string) (any, error) {
					return got(s.PrivateEndpointServicesApi.ToggleRegionalEndpointMode(s.ctx, s.prod, part[admin.ProjectSettingItem](s, d)).Execute())
				},
			}
		}},
	}
}
