using 'main.bicep'

param name = 'nebula'
param plan = 'flex'
param instanceMemory = 2048
param maximumInstances = 40
param landingContainers = ['landing']
param useServiceBus = true
param pipelineSettings = {
  WAREHOUSE_HOST: 'warehouse.example.com'
}
